//! Finding the virtio-serial port by its name.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

const NAME: &str = "org.netloom.agent.0";
const WAIT: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_millis(50);

/// The opened port and where it was found.
pub(crate) struct Port {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no virtio-serial port is named {NAME} after {} s: start QEMU with -device virtserialport,name={NAME}", WAIT.as_secs())]
    Missing,
    #[error("opening {path} failed: {source}: is another agent running?")]
    Open {
        path: PathBuf,
        source: std::io::Error,
    },
}

/// Opens the port, waiting up to ten seconds: the kernel adds ports when the host has answered its control queue.
pub(crate) fn open() -> Result<Port, Error> {
    let started = Instant::now();
    loop {
        if let Some(path) = find(Path::new("/sys/class/virtio-ports"), Path::new("/dev")) {
            return match OpenOptions::new().read(true).write(true).open(&path) {
                Ok(file) => Ok(Port { file, path }),
                Err(source) => Err(Error::Open { path, source }),
            };
        }
        if started.elapsed() > WAIT {
            return Err(Error::Missing);
        }
        sleep(RETRY);
    }
}

/// The link that udev would make, else the node devtmpfs makes: there is no udev in a small guest.
fn find(class: &Path, dev: &Path) -> Option<PathBuf> {
    let linked = dev.join("virtio-ports").join(NAME);
    if linked.exists() {
        return Some(linked);
    }
    fs::read_dir(class).ok()?.flatten().find_map(|entry| {
        let name = fs::read_to_string(entry.path().join("name")).ok()?;
        let node = dev.join(entry.file_name());
        (name.trim() == NAME && node.exists()).then_some(node)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_port_by_the_name_in_sysfs() {
        let root = std::env::temp_dir().join(format!("netloom-agent-port-{}", std::process::id()));
        let (class, dev) = (root.join("class"), root.join("dev"));
        for (port, name) in [("vport0p1", "com.example.other"), ("vport0p2", NAME)] {
            fs::create_dir_all(class.join(port)).unwrap();
            fs::create_dir_all(&dev).unwrap();
            fs::write(class.join(port).join("name"), format!("{name}\n")).unwrap();
            fs::write(dev.join(port), "").unwrap();
        }
        let found = find(&class, &dev);
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(found, Some(dev.join("vport0p2")));
    }
}
