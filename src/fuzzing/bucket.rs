//! The bucket room against standard maps.

use crate::bucket::model::{Model, seen_from};
use crate::bucket::{Bucket, diff};
use arbitrary::{Result, Unstructured};

/// bucket(edits) = BTreeMap(edits), old snapshots and seeks included; diff(a, b) leads from a to b, and is empty exactly if a = b.
pub(super) fn bucket(bytes: &[u8]) {
    // Bytes that end early end the edits.
    let _ended = edits(&mut Unstructured::new(bytes));
}

const EDITS_MAX: usize = 512;

fn edits(u: &mut Unstructured<'_>) -> Result<()> {
    let (mut tree, mut model) = (Bucket::new(), Model::default());
    let mut snapshots = vec![(tree.clone(), model.clone())];
    for _ in 0..EDITS_MAX {
        if u.is_empty() {
            break;
        }
        edit(u, &mut tree, &mut model)?;
        if u.ratio(1, 16)? {
            check_seek(u, &tree, &model)?;
            snapshots.push((tree.clone(), model.clone()));
        }
    }
    snapshots.push((tree, model));
    for (tree, model) in &snapshots {
        assert_eq!(&Model::of(tree.view()), model, "an old snapshot changed, or an edit went wrong");
        assert_eq!(&model.build(), tree, "a builder gives what edits give");
    }
    for pair in snapshots.windows(2) {
        let ((old, old_model), (new, new_model)) = (&pair[0], &pair[1]);
        let (changes, is_equal) = (diff(old, new), old_model == new_model);
        assert_eq!(changes.is_empty(), is_equal, "diff is empty exactly for equal trees");
        assert_eq!(old == new, is_equal);
        let mut patched = old_model.clone();
        patched.patch(&changes);
        assert_eq!(&patched, new_model, "what diff says leads from one to the other");
    }
    Ok(())
}

fn name(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let letter = b'a' + u.int_in_range(0..=7)?;
    Ok(if u.ratio(1, 2)? { vec![letter] } else { vec![letter; u.int_in_range(0..=12)?] })
}

fn edit(u: &mut Unstructured<'_>, tree: &mut Bucket, model: &mut Model) -> Result<()> {
    let path: Vec<Vec<u8>> = (0..u.int_in_range(0..=3)?).map(|_| name(u)).collect::<Result<_>>()?;
    let path: Vec<&[u8]> = path.iter().map(|key| &key[..]).collect();
    let key = name(u)?;
    match u.int_in_range(0..=9)? {
        0..=3 => {
            let value = vec![u.int_in_range(b'v'..=b'y')?; u.int_in_range(0..=40)?];
            assert_eq!(tree.put(&path, &key, &value), model.put(&path, &key, &value));
        }
        4..=6 => assert_eq!(tree.create_bucket(&path, &key), model.create_bucket(&path, &key)),
        7 => assert_eq!(tree.delete(&path, &key), model.delete(&path, &key, false)),
        8 => assert_eq!(tree.delete_bucket(&path, &key), model.delete(&path, &key, true)),
        _ => {
            let sequence = u.arbitrary()?;
            let expected = model.at(&path).map(|bucket| bucket.sequence = sequence);
            assert_eq!(tree.set_sequence(&path, sequence), expected);
        }
    }
    Ok(())
}

fn check_seek(u: &mut Unstructured<'_>, tree: &Bucket, model: &Model) -> Result<()> {
    let key = name(u)?;
    let mut cursor = tree.view().cursor();
    assert_eq!(seen_from(&mut cursor, &key, 2), model.from(&key, 2));
    Ok(())
}
