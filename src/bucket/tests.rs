use super::model::{Model, seen_from};
use super::*;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

fn name(rng: &mut ChaCha8Rng, names: u32) -> Vec<u8> {
    match rng.random_range(0..names) {
        0 => Vec::new(),
        number => format!("{number:x}").into_bytes(),
    }
}

fn random_edit(rng: &mut ChaCha8Rng, names: u32, tree: &mut Bucket, model: &mut Model) {
    let path: Vec<Vec<u8>> = (0..rng.random_range(0..4)).map(|_| name(rng, 4)).collect();
    let path: Vec<&[u8]> = path.iter().map(|key| &key[..]).collect();
    let key = name(rng, names);
    match rng.random_range(0..10) {
        0..4 => {
            let value = vec![rng.random_range(b'v'..=b'z'); rng.random_range(0..200)];
            assert_eq!(tree.put(&path, &key, &value), model.put(&path, &key, &value));
        }
        4..7 => {
            let key = name(rng, 4);
            assert_eq!(tree.create_bucket(&path, &key), model.create_bucket(&path, &key));
        }
        7 => assert_eq!(tree.delete(&path, &key), model.delete(&path, &key, false)),
        8 if rng.random_range(0..8) == 0 => {
            let key = name(rng, 4);
            assert_eq!(tree.delete_bucket(&path, &key), model.delete(&path, &key, true));
        }
        _ => {
            let sequence = rng.random();
            let expected = model.at(&path).map(|bucket| bucket.sequence = sequence);
            assert_eq!(tree.set_sequence(&path, sequence), expected);
        }
    }
}

/// What a cursor shows from every place that matters, against the model.
fn check_seeks(rng: &mut ChaCha8Rng, tree: &Bucket, model: &Model) {
    let mut cursor = tree.view().cursor();
    for _ in 0..50 {
        let key = name(rng, 40_000);
        assert_eq!(seen_from(&mut cursor, &key, 4), model.from(&key, 4));
    }
}

#[test]
fn buckets_follow_btreemap_through_random_edits_with_old_snapshots_intact() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let (mut tree, mut model) = (Bucket::new(), Model::default());
    let mut snapshots = Vec::new();
    for step in 0..60_000 {
        random_edit(&mut rng, 3000, &mut tree, &mut model);
        if step % 3000 == 0 {
            snapshots.push((tree.clone(), model.clone()));
            assert_eq!(Model::of(tree.view()), model, "step {step}");
            check_seeks(&mut rng, &tree, &model);
        }
    }
    for (tree, model) in &snapshots {
        assert_eq!(&Model::of(tree.view()), model);
        assert_eq!(&model.build(), tree, "a builder gives what edits give, wide buckets too");
    }
    // Every pair of neighbours: the changes that `diff` names lead from one to the other.
    for pair in snapshots.windows(2) {
        assert_eq!(patched(&pair[0].1, &diff(&pair[0].0, &pair[1].0)), pair[1].1);
        assert_eq!(patched(&pair[1].1, &diff(&pair[1].0, &pair[0].0)), pair[0].1);
    }
}

fn patched(model: &Model, changes: &[Change<'_>]) -> Model {
    let mut model = model.clone();
    model.patch(changes);
    model
}

/// Large maps are where im and imbl differ from each other and small inputs never reach.
#[test]
fn a_bucket_of_twenty_thousand_keys_follows_btreemap() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let (mut tree, mut model) = (Bucket::new(), Model::default());
    let mut old = None;
    for step in 0..40_000u32 {
        let key = name(&mut rng, 30_000);
        let removes = step > 20_000 && rng.random_range(0..2) == 0;
        if removes {
            assert_eq!(tree.delete(&[], &key), model.delete(&[], &key, false));
        } else {
            // Most keys come again, with another value of the same length, a shorter one or a longer one.
            let mut value = key.clone();
            value.resize(rng.random_range(0..8), b'a' + u8::try_from(step % 26).expect("a letter"));
            assert_eq!(tree.put(&[], &key, &value), model.put(&[], &key, &value));
        }
        if step % 1000 == 0 {
            // Numbers fall as well as they rise.
            let sequence = rng.random_range(0..100);
            assert_eq!(tree.set_sequence(&[], sequence), Ok(()));
            model.sequence = sequence;
        }
        if step == 20_000 {
            old = Some((tree.clone(), model.clone()));
        }
    }
    let (old_tree, old_model) = old.expect("step 20,000 was reached");
    assert!(old_model.entries.len() > 10_000, "{}", old_model.entries.len());
    assert_eq!(Model::of(old_tree.view()), old_model);
    assert_eq!(Model::of(tree.view()), model);
    check_seeks(&mut rng, &tree, &model);
    check_seeks(&mut rng, &old_tree, &old_model);
    assert_eq!(patched(&old_model, &diff(&old_tree, &tree)), model);
    assert_eq!(patched(&model, &diff(&tree, &old_tree)), old_model);
}

/// A few siblings are one block, many are a map; among them are a value and a name that is not there.
#[test]
fn buckets_deleted_at_once_are_those_deleted_one_by_one() {
    for count in [3, 2_000] {
        let mut tree = Bucket::new();
        let path: [&[u8]; 2] = [b"a", b"b"];
        tree.create_path(&path).unwrap();
        let names: Vec<Vec<u8>> = (0..count).map(|number| format!("{number:04}").into_bytes()).collect();
        names.iter().for_each(|name| tree.create_bucket(&path, name).unwrap());
        tree.put(&path, b"0001v", b"value").unwrap();
        let before = tree.clone();
        for odd in [None, Some(&b"0001v"[..]), Some(b"0001x"), Some(b"0000")] {
            let keys = || {
                let even = names.iter().step_by(2).map(|name| &name[..]);
                even.clone().take(1).chain(odd).chain(even.skip(1))
            };
            let (mut at_once, mut one_by_one) = (before.clone(), before.clone());
            let expected = keys().try_for_each(|key| one_by_one.delete_bucket(&path, key));
            assert_eq!(at_once.delete_buckets(&path, keys()), expected);
            assert_eq!(expected.is_err(), odd.is_some());
            assert!(at_once == one_by_one && at_once != before && before == tree);
        }
        assert_eq!(tree.delete_buckets(&[b"c"], [&b"x"[..]]), Err(Refusal::BucketNotFound));
    }
}

#[test]
fn equality_does_not_depend_on_the_representation() {
    let mut grown = Bucket::new();
    grown.put(&[], b"large", &vec![0; packed::BYTES_MAX]).expect("a value");
    grown.create_bucket(&[], b"b").expect("a bucket");
    grown.put(&[b"b"], b"k", b"v").expect("a value");
    grown.delete(&[], b"large").expect("a value is deleted");
    let mut packed = Bucket::new();
    packed.create_bucket(&[], b"b").expect("a bucket");
    packed.put(&[b"b"], b"k", b"v").expect("a value");
    assert!(matches!((grown.view().0, packed.view().0), (ViewRepr::Wide(_), ViewRepr::Packed(_))));
    assert_eq!(grown, packed);
    assert_eq!(diff(&grown, &packed), []);
    packed.set_sequence(&[b"b"], 3).expect("a sequence");
    assert_ne!(grown, packed);
    assert_eq!(diff(&grown, &packed).len(), 1);
}

#[test]
fn a_tree_is_at_most_a_hundred_levels_deep() {
    let (mut tree, mut path) = (Bucket::new(), Vec::new());
    while path.len() < DEPTH_MAX {
        tree.create_bucket(&path, b"b").expect("within the limit");
        path.push(&b"b"[..]);
    }
    assert_eq!(tree.create_bucket(&path, b"b"), Err(Refusal::TooDeep));
    let copy = tree.clone();
    assert_eq!(tree.graft(&[], b"c", &copy), Err(Refusal::TooDeep));
    tree.put(&path, b"k", &vec![0; packed::BYTES_MAX]).expect("a value at the deepest level");
    assert_eq!(
        tree.view().at(&path).and_then(|view| view.get(b"k")).map(<[u8]>::len),
        Some(packed::BYTES_MAX)
    );
}

#[test]
fn a_builder_gives_what_edits_give() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..200 {
        let (mut tree, mut model) = (Bucket::new(), Model::default());
        for _ in 0..rng.random_range(0..400) {
            random_edit(&mut rng, 60, &mut tree, &mut model);
        }
        assert_eq!(model.build(), tree);
    }
    let mut builder = Builder::new();
    builder.put(b"b", b"").expect("the first key");
    assert_eq!(builder.put(b"b", b""), Err(OutOfOrder));
    assert_eq!(builder.open(b"a", 0), Err(OutOfOrder));
}

#[test]
fn a_bucket_is_packed_as_long_as_it_fits_into_a_block() {
    let around = packed::EMPTY.len()
        + packed::entry_bytes(b"below", &packed::EMPTY)
        + packed::entry_bytes(b"value", b"");
    for (bytes, is_wide) in [(packed::BYTES_MAX, false), (packed::BYTES_MAX + 1, true)] {
        let value = vec![b'v'; bytes - around];
        let mut builder = Builder::new();
        builder.open(b"below", 0).expect("the first key");
        builder.close();
        builder.put(b"value", &value).expect("the second");
        let mut edited = Bucket::new();
        edited.create_bucket(&[], b"below").expect("it is new");
        edited.put(&[], b"value", &value).expect("a value");
        for bucket in [builder.finish(), edited] {
            assert_eq!(matches!(bucket.0, Repr::Wide(_)), is_wide, "{bytes} bytes");
        }
    }
}

/// One value makes all buckets wide that are open around it, whatever stands before and after it; a key may be empty.
#[test]
fn a_large_value_deep_inside_makes_all_around_it_wide() {
    let keys: [&[u8]; 4] = [b"", b"m", b"m", b"m"];
    let mut builder = Builder::new();
    for (key, sequence) in keys.into_iter().zip(1..) {
        builder.open(key, sequence).expect("keys in order");
        builder.put(b"before", b"1").expect("keys in order");
    }
    builder.put(b"large", &vec![b'v'; packed::BYTES_MAX]).expect("keys in order");
    for key in keys.into_iter().rev() {
        assert_eq!(builder.put(b"before", b"again"), Err(OutOfOrder));
        builder.put(b"z", b"2").expect("keys in order");
        builder.open(b"zz", 0).expect("keys in order");
        builder.close();
        assert_eq!(builder.open(b"zz", 0), Err(OutOfOrder));
        builder.close();
        assert_eq!(builder.put(key, b"again"), Err(OutOfOrder));
    }
    let built = builder.finish();
    assert_eq!(Model::of(built.view()).build(), built);
    let mut view = built.view();
    for (key, sequence) in keys.into_iter().zip(1..) {
        view = view.bucket(key).expect("it was opened");
        assert!(matches!(view.0, ViewRepr::Wide(_)));
        assert_eq!(
            (view.sequence(), view.get(b"before"), view.get(b"z")),
            (sequence, Some(&b"1"[..]), Some(&b"2"[..]))
        );
        assert_eq!(view.bucket(b"zz"), Some(View::EMPTY));
    }
    assert_eq!(view.get(b"large").map(<[u8]>::len), Some(packed::BYTES_MAX));
}

/// Whether a bucket is packed makes no difference, and what is left out none either; all else does.
#[test]
fn equal_contents_are_written_as_equal_bytes_and_others_are_not() {
    let written = |bucket: &Bucket| {
        let mut bytes = Vec::new();
        bucket.view().write_less(&mut bytes, |around, name, value| {
            around == b"below" && name == b"time" && value.len() == 1
        });
        bytes
    };
    let mut packed = Bucket::new();
    let path: [&[u8]; 3] = [b"above", b"below", b"below"];
    for path in [&path[..1], &path[..2], &path] {
        packed.create_path(path).unwrap();
        packed.put(path, b"time", b"1").unwrap();
        packed.put(path, b"name", b"value").unwrap();
    }
    let mut wide = packed.clone();
    wide.put(&[b"above", b"below"], b"large", &vec![0; packed::BYTES_MAX]).unwrap();
    wide.delete(&[b"above", b"below"], b"large").unwrap();
    assert!(matches!((&packed.0, &wide.0), (Repr::Packed(_) | Repr::Open(_), Repr::Wide(_))));
    assert_eq!(written(&packed), written(&wide));

    let changed = |change: &dyn Fn(&mut Bucket)| {
        let mut changed = packed.clone();
        change(&mut changed);
        written(&changed)
    };
    let below = [b"above", b"below"].map(|key| &key[..]);
    assert_eq!(changed(&|bucket| bucket.put(&below, b"time", b"2").unwrap()), written(&packed));
    let others = [
        changed(&|_| {}),
        changed(&|bucket| bucket.put(&below, b"time", b"22").unwrap()),
        changed(&|bucket| bucket.delete(&below, b"time").unwrap()),
        changed(&|bucket| bucket.put(&below[..1], b"time", b"2").unwrap()),
        changed(&|bucket| bucket.put(&below, b"name", b"other").unwrap()),
        changed(&|bucket| bucket.set_sequence(&below, 1).unwrap()),
        changed(&|bucket| bucket.delete_bucket(&below, b"below").unwrap()),
        changed(&|bucket| bucket.create_bucket(&below, b"z").unwrap()),
        changed(&|bucket| bucket.put(&below, b"z", b"").unwrap()),
        changed(&|bucket| bucket.create_bucket(&[], b"z").unwrap()),
    ];
    for (at, one) in others.iter().enumerate() {
        assert!(others[at + 1..].iter().all(|other| one != other), "{at}");
    }
}

#[test]
fn keys_compare_as_slices_do() {
    let text = b"containerd.io/gc.ref.snapshot.overlayfs";
    let mut keys: Vec<Vec<u8>> = (0..=text.len()).map(|length| text[..length].to_vec()).collect();
    for at in 0..text.len() {
        for byte in [0, b'a', 0xFF] {
            let mut key = text.to_vec();
            key[at] = byte;
            keys.push(key);
        }
    }
    for left in &keys {
        for right in &keys {
            assert_eq!(packed::compare(left, right), left.cmp(right), "{left:?} {right:?}");
        }
    }
}
