//! Kernel parameters of a network namespace, read and written on a thread inside it.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::Instant,
};

use crate::{
    batch::outcome,
    error::{At, Error, Failure, Result},
    netns::inside,
    sockets::json,
};

const ROOT: &str = "/proc/sys";
const GET: &str = "sysctl.get";
const SET: &str = "sysctl.set";

/// The values of `keys` as a JSON object, `null` for keys that do not exist.
pub fn get(netns: Option<&str>, keys: &[String]) -> Result<String> {
    let mut paths = BTreeMap::new();
    for key in keys {
        paths.insert(key.as_str(), path_of(GET, key)?);
    }
    let values = inside(netns.map(Path::new), || {
        Ok(paths
            .into_iter()
            .map(|(key, path)| (key, read(&path)))
            .collect::<BTreeMap<_, _>>())
    });
    let mut answer = BTreeMap::new();
    for (key, value) in values.at(GET, netns.unwrap_or(ROOT))? {
        answer.insert(key, value.at(GET, key)?);
    }
    json(GET, ROOT, &answer)
}

/// Sets one parameter; `ENOENT` when the kernel has none of that name.
pub fn set(netns: Option<&str>, key: &str, value: &str) -> Result<()> {
    let path = path_of(SET, key)?;
    inside(netns.map(Path::new), || write(&path, value)).at(SET, format!("{key} = {value}"))
}

/// Sets many parameters of one namespace in order: `wanted` is a JSON array of `[key, value]`. One that fails does not stop the
/// others. Answers with a JSON array of outcomes as a batch does.
pub fn set_many(netns: Option<&str>, wanted: &str) -> Result<String> {
    let place = netns.unwrap_or(ROOT);
    let wanted: Vec<(String, String)> = serde_json::from_str(wanted)
        .map_err(|error| Error::invalid(SET, "parameters", error.to_string()))?;
    let set_each = || {
        let set = |key: &str, value: &str| {
            let path = path_of(SET, key)?;
            write(&path, value).at(SET, format!("{key} = {value}"))
        };
        let set = |(key, value): &(String, String)| {
            let started = Instant::now();
            outcome(set(key, value).err().into_iter().collect(), started)
        };
        Ok(wanted.iter().map(set).collect::<Vec<_>>())
    };
    let done = inside(netns.map(Path::new), set_each).at(SET, place)?;
    json(SET, place, &done)
}

/// Not `fs::write`, which would create the file; procfs refuses that with a misleading EACCES.
fn write(path: &Path, value: &str) -> Result<(), Failure> {
    let mut file = fs::OpenOptions::new().write(true).open(path)?;
    Ok(io::Write::write_all(&mut file, value.as_bytes())?)
}

fn read(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(value) => Ok(Some(value.trim_end_matches('\n').to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// sysctl(8): the first separator says which of `.` and `/` separates; the other one is a dot inside a name. So
/// `net.ipv4.conf.eth0/100.forwarding` and `net/ipv4/conf/eth0.100/forwarding` are the same key.
fn path_of(op: &'static str, key: &str) -> Result<PathBuf> {
    let dotted = key
        .find(['.', '/'])
        .and_then(|at| key.get(at..))
        .is_some_and(|at| at.starts_with('.'));
    let swap = |letter| match letter {
        '.' => '/',
        '/' => '.',
        other => other,
    };
    let relative: String = if dotted {
        key.chars().map(swap).collect()
    } else {
        key.to_owned()
    };
    let refused = |part: &str| matches!(part, "" | "." | "..") || part.contains(char::is_control);
    if relative.split('/').any(refused) {
        return Err(Error::invalid(op, key, "not a kernel parameter"));
    }
    Ok(Path::new(ROOT).join(relative))
}

#[cfg(test)]
mod tests {
    use super::{get, path_of, set_many};

    #[test]
    fn reads_both_separators() {
        let same = "/proc/sys/net/ipv4/conf/eth0.100/forwarding";
        for key in [
            "net.ipv4.conf.eth0/100.forwarding",
            "net/ipv4/conf/eth0.100/forwarding",
        ] {
            assert_eq!(path_of("t", key).unwrap().to_str(), Some(same));
        }
    }

    #[test]
    fn refuses_to_leave_proc_sys() {
        for key in [
            "",
            "../x",
            "net/../../x",
            "net.ipv4.//.x",
            "/etc/passwd",
            "net..x",
            "a\0b",
            "net/",
        ] {
            assert_eq!(path_of("t", key).unwrap_err().code(), "EINVAL", "{key:?}");
        }
    }

    #[test]
    fn a_missing_key_is_null() {
        let keys = [
            "net.ipv4.ip_forward".to_owned(),
            "net.ipv4.no_such".to_owned(),
        ];
        let answer = get(None, &keys).unwrap();
        assert!(answer.contains(r#""net.ipv4.no_such":null"#), "{answer}");
        assert!(answer.contains(r#""net.ipv4.ip_forward":""#), "{answer}");
    }

    #[test]
    fn one_that_fails_does_not_stop_the_others() {
        let Ok(netns) = crate::ns::Netns::new() else {
            return;
        };
        let path = netns.reachable();
        let wanted = r#"[["net.ipv4.no_such","1"],["../x","1"],["net.ipv4.ip_forward","1"]]"#;
        let outcomes = set_many(Some(&path), wanted).unwrap();
        let outcomes: Vec<serde_json::Value> = serde_json::from_str(&outcomes).unwrap();
        let codes = outcomes.iter().map(|outcome| outcome["code"].as_str());
        assert_eq!(
            codes.collect::<Vec<_>>(),
            [Some("ENOENT"), Some("EINVAL"), None]
        );
        assert_eq!(outcomes[0]["target"], "net.ipv4.no_such = 1");
        let keys = ["net.ipv4.ip_forward".to_owned()];
        assert_eq!(
            get(Some(&path), &keys).unwrap(),
            r#"{"net.ipv4.ip_forward":"1"}"#
        );
    }
}
