//! Kernel parameters of a network namespace, read and written on a thread inside it.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read as _, Write as _},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    time::Instant,
};

use nix::{
    errno::Errno,
    fcntl::{OFlag, open, openat},
    sys::stat::Mode,
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
        let mut directories = Directories::default();
        Ok(paths
            .into_iter()
            .map(|(key, path)| (key, directories.read(&path)))
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
    let set = || Directories::default().write(&path, value);
    inside(netns.map(Path::new), set).at(SET, format!("{key} = {value}"))
}

/// Sets many parameters of one namespace in order: `wanted` is a JSON array of `[key, value]`. One that fails does not stop the
/// others. Answers with a JSON array of outcomes as a batch does.
pub fn set_many(netns: Option<&str>, wanted: &str) -> Result<String> {
    let place = netns.unwrap_or(ROOT);
    let wanted: Vec<(String, String)> = serde_json::from_str(wanted)
        .map_err(|error| Error::invalid(SET, "parameters", error.to_string()))?;
    let set_each = || {
        let mut directories = Directories::default();
        let mut set = |key: &str, value: &str| {
            let path = path_of(SET, key)?;
            directories
                .write(&path, value)
                .at(SET, format!("{key} = {value}"))
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

/// Directories that were opened on the way to parameters of the calling thread's namespace.
///
/// The kernel keeps `/proc/sys/net/ipv6/conf` of all namespaces in one chain of its cache, and walks through it for each look: with
/// 1,000 namespaces that is 0.2 ms for every parameter below, where it is needed once.
#[derive(Default)]
struct Directories {
    opened: BTreeMap<PathBuf, Option<OwnedFd>>,
}

impl Directories {
    fn read(&mut self, path: &Path) -> Result<Option<String>, Failure> {
        let Some(mut file) = self.open(path, OFlag::O_RDONLY)? else {
            return Ok(None);
        };
        let mut value = String::new();
        file.read_to_string(&mut value)?;
        Ok(Some(value.trim_end_matches('\n').to_owned()))
    }

    fn write(&mut self, path: &Path, value: &str) -> Result<(), Failure> {
        // Never created: procfs refuses that with a misleading EACCES.
        let file = self.open(path, OFlag::O_WRONLY)?;
        let mut file = file.ok_or(Failure::from(Errno::ENOENT))?;
        Ok(file.write_all(value.as_bytes())?)
    }

    /// `None` when there is no such parameter.
    fn open(&mut self, path: &Path, flags: OFlag) -> Result<Option<File>, Failure> {
        // That of the link and its parameter.
        let shared = path.parent().and_then(Path::parent).unwrap_or(path);
        let Ok(below) = path.strip_prefix(shared) else {
            return Ok(None);
        };
        if !self.opened.contains_key(shared) {
            let directory = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
            let opened = present(open(shared, directory, Mode::empty()))?;
            self.opened.insert(shared.to_owned(), opened);
        }
        let Some(Some(directory)) = self.opened.get(shared) else {
            return Ok(None);
        };
        let flags = flags | OFlag::O_CLOEXEC;
        let opened = present(openat(directory, below, flags, Mode::empty()))?;
        Ok(opened.map(File::from))
    }
}

/// `None` for what is not there.
fn present(opened: nix::Result<OwnedFd>) -> Result<Option<OwnedFd>, Failure> {
    match opened {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
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
