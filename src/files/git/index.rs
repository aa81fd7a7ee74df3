//! Which paths git's index holds: versions 2, 3 and 4, a split index included. Only names are read.
//!
//! Format: git's `Documentation/gitformat-index.txt`. The checksum is not verified: git itself may leave it out
//! (`index.skipHash`), and a damaged index ends in an error or in a name that is not there.

use std::collections::BTreeMap;

/// What the index says of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// An entry has this path.
    Yes,
    /// No entry has it.
    No,
    /// A directory above it is collapsed into one entry (sparse index), which does not tell.
    Unknown,
}

/// An index file's bytes, checked for its header.
pub(super) struct Index<'a> {
    bytes: &'a [u8],
    version: u32,
    entries: u32,
    id_length: usize,
}

/// The `link` extension of a split index: most entries stand in `sharedindex.<id>`.
pub(super) struct Shared<'a> {
    /// Object id in hex: the end of the shared file's name.
    pub(super) id: String,
    deleted: &'a [u8],
}

impl<'a> Index<'a> {
    /// Reads the header. `id_length` is 20 (SHA-1) or 32 (SHA-256).
    pub(super) fn parse(bytes: &'a [u8], id_length: usize) -> Option<Self> {
        let version = number(bytes, 4)?;
        let known = bytes.starts_with(b"DIRC") && (2..=4).contains(&version);
        known.then_some(Self { bytes, version, entries: number(bytes, 8)?, id_length })
    }

    /// Looks `path` up among the entries; `Shared` is where the others are, if this is a split index.
    /// `None`: the file is damaged.
    pub(super) fn look_up(&self, path: &[u8], fold: bool) -> Option<(Held, Option<Shared<'a>>)> {
        let mut held = Held::No;
        let end = self.each(|_, name, _| held = best(held, compare(name, path, fold)))?;
        Some((held, self.shared(end)?))
    }

    /// Looks `path` up in the shared part of a split index, leaving out what the split part deletes.
    pub(super) fn look_up_shared(&self, path: &[u8], fold: bool, shared: &Shared<'_>) -> Option<Held> {
        let mut found = Vec::new();
        self.each(|position, name, _| match compare(name, path, fold) {
            Held::No => {}
            other => found.push((position, other)),
        })?;
        let mut held = Held::No;
        for (position, one) in found {
            if !bit(shared.deleted, position)? {
                held = best(held, one);
            }
        }
        Some(held)
    }

    /// Adds the names of all entries but collapsed directories; `Shared` is where the others are, if this is a split index.
    /// `None`: the file is damaged.
    pub(super) fn names(&self, into: &mut Vec<String>) -> Option<Option<Shared<'a>>> {
        let end = self.each(|_, name, _| into.extend(file_name(name)))?;
        self.shared(end)
    }

    /// The same of the shared part of a split index, but what the split part deletes.
    pub(super) fn names_shared(&self, into: &mut Vec<String>, shared: &Shared<'_>) -> Option<()> {
        let mut damaged = false;
        self.each(|position, name, _| match bit(shared.deleted, position) {
            Some(false) => into.extend(file_name(name)),
            Some(true) => {}
            None => damaged = true,
        })?;
        (!damaged).then_some(())
    }

    /// The object id of every path. `None`: the file is damaged, or not all entries stand in it.
    pub(super) fn ids(&self) -> Option<BTreeMap<Vec<u8>, Vec<u8>>> {
        let mut ids = BTreeMap::new();
        let end = self.each(|_, name, id| drop(ids.insert(name.to_owned(), id.to_owned())))?;
        self.shared(end)?.is_none().then_some(ids)
    }

    /// Calls `visit` with every entry's position, name and object id; returns where the extensions start.
    fn each(&self, mut visit: impl FnMut(u32, &[u8], &[u8])) -> Option<usize> {
        let mut at = 12;
        let mut previous = Vec::new();
        for position in 0..self.entries {
            let flags_at = at + 40 + self.id_length;
            let id = self.bytes.get(at + 40..flags_at)?;
            let flags = u16::from_be_bytes(self.bytes.get(flags_at..flags_at + 2)?.try_into().ok()?);
            let extended = self.version >= 3 && flags & 0x4000 != 0;
            let name_at = flags_at + if extended { 4 } else { 2 };
            if self.version == 4 {
                let (strip, suffix_at) = varint(self.bytes, name_at)?;
                let suffix = until_nul(self.bytes, suffix_at)?;
                previous.truncate(previous.len().checked_sub(strip)?);
                previous.extend_from_slice(suffix);
                visit(position, &previous, id);
                at = suffix_at + suffix.len() + 1;
            } else {
                let name = match usize::from(flags & 0x0fff) {
                    0x0fff => until_nul(self.bytes, name_at)?,
                    length => self.bytes.get(name_at..name_at + length)?,
                };
                visit(position, name, id);
                // One to eight NULs round the entry up to a multiple of eight.
                at += (name_at - at + name.len() + 8) & !7;
            }
        }
        Some(at)
    }

    /// The `link` extension among those that follow the entries.
    fn shared(&self, mut at: usize) -> Option<Option<Shared<'a>>> {
        let end = self.bytes.len().checked_sub(self.id_length)?;
        while at + 8 <= end {
            let size = usize::try_from(number(self.bytes, at + 4)?).ok()?;
            let body = self.bytes.get(at + 8..(at + 8).checked_add(size)?)?;
            if self.bytes.get(at..at + 4)? == b"link" {
                let (id, deleted) = body.split_at_checked(self.id_length)?;
                let hex = id.iter().map(|byte| format!("{byte:02x}")).collect();
                return Some(id.iter().any(|&byte| byte != 0).then_some(Shared { id: hex, deleted }));
            }
            at += 8 + size;
        }
        Some(None)
    }
}

/// An entry of a split index that only changes a shared one has no name.
fn file_name(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    (!name.is_empty() && !name.ends_with('/')).then(|| name.to_owned())
}

fn best(a: Held, b: Held) -> Held {
    match (a, b) {
        (Held::Yes, _) | (_, Held::Yes) => Held::Yes,
        (Held::Unknown, _) | (_, Held::Unknown) => Held::Unknown,
        _ => Held::No,
    }
}

/// An entry whose name ends in `/` is a directory of a sparse index.
fn compare(name: &[u8], path: &[u8], fold: bool) -> Held {
    let same = |a: &[u8], b: &[u8]| if fold { a.eq_ignore_ascii_case(b) } else { a == b };
    if same(name, path) {
        Held::Yes
    } else if name.last() == Some(&b'/') && path.len() > name.len() && same(name, &path[..name.len()]) {
        Held::Unknown
    } else {
        Held::No
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn until_nul(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..)?;
    Some(&rest[..rest.iter().position(|&byte| byte == 0)?])
}

/// Git's offset encoding (`decode_varint`): its value and where it ends.
fn varint(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut byte = *bytes.get(at)?;
    let mut value = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        at += 1;
        byte = *bytes.get(at)?;
        value = value.checked_add(1)?.checked_mul(128)? | usize::from(byte & 0x7f);
    }
    Some((value, at + 1))
}

/// Whether bit `position` of an EWAH bitmap is set (git's `ewah/`): runs of equal words, then literal words.
fn bit(bitmap: &[u8], position: u32) -> Option<bool> {
    if bitmap.is_empty() {
        return Some(false);
    }
    let words = usize::try_from(number(bitmap, 4)?).ok()?;
    let word = |index: usize| {
        let at = 8 + index * 8;
        (index < words).then(|| bitmap.get(at..at + 8)?.try_into().ok().map(u64::from_be_bytes)).flatten()
    };
    let (wanted, mut reached, mut index) = (u64::from(position / 64), 0_u64, 0_usize);
    while index < words {
        let marker = word(index)?;
        let (ones, run, literals) = (marker & 1 == 1, marker >> 1 & 0xffff_ffff, marker >> 33);
        if wanted < reached + run {
            return Some(ones);
        }
        reached += run;
        if wanted < reached + literals {
            let literal = word(index + 1 + usize::try_from(wanted - reached).ok()?)?;
            return Some(literal >> (position % 64) & 1 == 1);
        }
        reached += literals;
        index += 1 + usize::try_from(literals).ok()?;
    }
    Some(false)
}
