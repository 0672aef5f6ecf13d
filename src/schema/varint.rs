//! Go's variable-length integers: signed (`binary.PutVarint`), as containerd stores sizes and its version, and unsigned
//! (`binary.PutUvarint`), as protobuf counts bytes.

/// The longest encoding of 64 bits.
const BYTES_MAX: usize = 10;

/// A number as Go's `binary.PutVarint` writes it: zigzag, then as [`encode_unsigned`].
pub fn encode_signed(number: i64) -> Vec<u8> {
    encode_unsigned(((number << 1) ^ (number >> 63)).cast_unsigned())
}

/// A number as Go's `binary.PutUvarint` writes it: seven bits a byte, lowest first.
pub fn encode_unsigned(number: u64) -> Vec<u8> {
    let mut rest = number;
    let mut bytes = Vec::with_capacity(BYTES_MAX);
    loop {
        let low = u8::try_from(rest & 0x7F).expect("seven bits fit into a byte");
        rest >>= 7;
        if rest == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// The number at the beginning of some bytes, as Go's `binary.Varint` reads it; what follows is ignored.
/// Absent where Go reports nothing read: the bytes end early, or the number overflows 64 bits.
pub fn decode_signed(bytes: &[u8]) -> Option<i64> {
    let number = decode_unsigned(bytes)?;
    let magnitude = (number >> 1).cast_signed();
    Some(if number & 1 == 1 { !magnitude } else { magnitude })
}

/// The same of `binary.Uvarint`.
pub fn decode_unsigned(bytes: &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for (index, &byte) in bytes.iter().take(BYTES_MAX).enumerate() {
        let bits = u64::from(byte & 0x7F);
        if index == BYTES_MAX - 1 && byte > 1 {
            return None;
        }
        number |= bits << (7 * index);
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_magnitude_survives_the_round_trip() {
        for number in [0, 1, -1, 63, 64, -64, -65, 304, i64::MAX, i64::MIN] {
            assert_eq!(decode_signed(&encode_signed(number)), Some(number));
        }
        // What the daemons wrote: a version of 3, a size of 304 bytes.
        assert_eq!(encode_signed(3), [6]);
        assert_eq!(encode_signed(304), [0xE0, 0x04]);
    }

    #[test]
    fn short_and_overflowing_numbers_are_absent() {
        for bytes in
            [&[][..], &[0x80], &[0xFF; 10], &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2]]
        {
            assert_eq!(decode_signed(bytes), None, "{bytes:?}");
        }
    }
}
