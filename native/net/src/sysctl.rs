//! Kernel parameters of a network namespace, read and written on a thread inside it.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
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
    // Not fs::write, which would create the file; procfs refuses that with a misleading EACCES.
    let write = || {
        let mut file = fs::OpenOptions::new().write(true).open(&path)?;
        Ok(io::Write::write_all(&mut file, value.as_bytes())?)
    };
    inside(netns.map(Path::new), write).at(SET, format!("{key} = {value}"))
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
    use super::{get, path_of};

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
}
