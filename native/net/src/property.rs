//! For tests: whatever the bytes, no parser panics, and what is newer than we are hides nothing.

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngSeed},
};

use crate::recorded::{ALL, Recording};

/// The longest message that is made up, in bytes.
const LONGEST: usize = 1024;

/// The same cases in each run; another seed gives others.
fn config() -> Config {
    Config {
        cases: 10_000,
        rng_seed: RngSeed::Fixed(5),
        failure_persistence: None,
        ..Config::default()
    }
}

/// Attributes in attributes, with numbers as in the kernel's headers and flags beside them, and lengths that are true.
fn attributes() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![0..70_u16, 0..70_u16, any::<u16>()];
    let leaf = prop_oneof![
        vec(any::<u8>(), 0..40),
        any::<u32>().prop_map(|number| number.to_ne_bytes().to_vec()),
        "[a-z0-9.]{0,16}\0".prop_map(String::into_bytes),
    ];
    leaf.prop_recursive(4, 64, 8, move |inner| {
        vec((number.clone(), inner), 0..8).prop_map(|parts| {
            parts
                .iter()
                .flat_map(|(kind, value)| one(*kind, value))
                .collect()
        })
    })
}

fn one(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn any_recording() -> impl Strategy<Value = &'static Recording> {
    (0..ALL.len()).prop_map(|at| &ALL[at])
}

fn any_message() -> impl Strategy<Value = (&'static Recording, Vec<u8>)> {
    (any_recording(), any::<prop::sample::Index>()).prop_map(|(recording, at)| {
        let bodies = recording.bodies();
        (recording, at.get(&bodies).to_vec())
    })
}

/// A rule says whether it has conditions that we do not know, which is the point there.
fn without_other(mut read: serde_json::Value) -> serde_json::Value {
    if let Some(members) = read.as_object_mut() {
        members.remove("other");
    }
    read
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn bytes_without_a_meaning(recording in any_recording(), bytes in vec(any::<u8>(), 0..LONGEST)) {
        (recording.parse)(&bytes);
    }

    #[test]
    fn attributes_without_a_meaning(recording in any_recording(), header in vec(any::<u8>(), 0..24), rest in attributes()) {
        (recording.parse)(&[header, rest].concat());
    }

    #[test]
    fn recorded_messages_that_were_damaged(
        (recording, mut body) in any_message(),
        damages in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        end in prop::option::of(any::<prop::sample::Index>()),
        more in attributes(),
    ) {
        for (at, value) in damages {
            *at.get_mut(&mut body) = value;
        }
        if let Some(end) = end {
            body.truncate(end.index(body.len()));
        }
        body.extend(more);
        (recording.parse)(&body);
    }

    /// Attributes that are newer than we are may come at any place.
    #[test]
    fn unknown_attributes_hide_nothing(
        (recording, body) in any_message(),
        at in any::<prop::sample::Index>(),
        value in vec(any::<u8>(), 0..64),
    ) {
        let places = recording.boundaries(&body);
        let place = *at.get(&places);
        let unknown = one(0x3ff0, &value);
        let longer = [&body[..place], &unknown, &body[place..]].concat();
        let (before, after) = ((recording.parse)(&body), (recording.parse)(&longer));
        prop_assert_eq!(without_other(after), without_other(before));
    }
}
