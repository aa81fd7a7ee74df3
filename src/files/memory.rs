//! Values in memory: a file without a name, for handing contents to a child by descriptor, and no copy of the process on disk.

#![expect(clippy::disallowed_types, reason = "an edge: makes files without a name")]

use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::OwnedFd;

/// A read-only copy of `contents` that no directory lists, positioned at its start, closed on `exec`.
///
/// On Linux it lives in memory and is sealed: nobody can change it any more. Elsewhere it is a file of mode 0600 in the
/// directory for temporary files, whose name is gone before anything is written to it.
///
/// # Errors
/// Those of the system: too many descriptors, no memory, no place.
pub fn memory_file(contents: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(nameless()?);
    file.write_all(contents)?;
    file.rewind()?;
    let fd = OwnedFd::from(file);
    seal(&fd)?;
    Ok(fd)
}

/// No core dump of this process or its children from now on; on Linux no other process of the user may look into this one's memory.
///
/// What the system refuses is left as it is: nothing depends on it.
pub fn forbid_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

#[cfg(target_os = "linux")]
fn nameless() -> io::Result<OwnedFd> {
    use rustix::fs::MemfdFlags;
    Ok(rustix::fs::memfd_create("secret-patch", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?)
}

#[cfg(target_os = "linux")]
fn seal(fd: &OwnedFd) -> io::Result<()> {
    use rustix::fs::SealFlags;
    Ok(rustix::fs::fcntl_add_seals(fd, SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL)?)
}

#[cfg(not(target_os = "linux"))]
fn nameless() -> io::Result<OwnedFd> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut attempt = 0_u32;
    loop {
        let name = format!(".secret-patch-{}-{attempt}", rustix::process::getpid().as_raw_nonzero());
        let path = std::env::temp_dir().join(name);
        match rustix::fs::open(&path, flags, Mode::RUSR | Mode::WUSR) {
            Err(rustix::io::Errno::EXIST) if attempt < 1000 => attempt += 1,
            opened => {
                let fd = opened?;
                std::fs::remove_file(&path)?;
                return Ok(fd);
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_wraps, reason = "the same shape as on Linux")]
fn seal(_: &OwnedFd) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn its_reader_sees_the_contents_from_the_start() {
        let mut text = String::new();
        File::from(memory_file(b"kubeconfig").unwrap()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "kubeconfig");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn nobody_can_change_it_and_a_child_does_not_inherit_it_by_itself() {
        let fd = memory_file(b"kubeconfig").unwrap();
        assert!(rustix::io::fcntl_getfd(&fd).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
        let mut file = File::from(fd);
        assert!(file.write_all(b"x").is_err());
        assert!(file.set_len(0).is_err());
    }
}
