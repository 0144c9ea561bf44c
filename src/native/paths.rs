//! Method paths: sent once per connection, and referred to by a small number after that.

use super::Error;
use super::envelope::MAX_PATH_BYTES;

/// How many ids one connection may have defined at once.
pub(super) const MAX_PATHS: usize = 64;

/// Paths in the order of their ids, which begin at 1.
///
/// The table has the same content on both sides. A client that has used all ids reassigns the oldest.
#[derive(Default)]
pub(super) struct Paths {
    paths: Vec<Box<str>>,
    /// The id that was assigned last; the next one is the oldest when the table is full.
    newest: usize,
}

/// Whether these bytes may be a method path.
pub(super) fn is_path(bytes: &[u8]) -> bool {
    bytes.first() == Some(&b'/')
        && bytes.len() <= MAX_PATH_BYTES
        && bytes.iter().all(u8::is_ascii_graphic)
}

impl Paths {
    /// The path with this id.
    pub(super) fn get(&self, id: u32) -> Option<&str> {
        let index = usize::try_from(id).ok()?.checked_sub(1)?;
        self.paths.get(index).map(AsRef::as_ref)
    }

    /// Server: handles a PATH envelope.
    pub(super) fn define(&mut self, id: u32, path: &[u8]) -> Result<(), Error> {
        let index = usize::try_from(id).unwrap_or(usize::MAX).wrapping_sub(1);
        if index >= MAX_PATHS || index > self.paths.len() {
            return Err(Error::PathId);
        }
        let path = std::str::from_utf8(path).ok().filter(|path| is_path(path.as_bytes()));
        let path = path.ok_or(Error::Path)?.into();
        match self.paths.get_mut(index) {
            Some(known) => *known = path,
            None => self.paths.push(path),
        }
        Ok(())
    }

    /// Client: the id of this path, if it was sent.
    pub(super) fn id(&self, path: &str) -> Option<u32> {
        let index = self.paths.iter().position(|known| &**known == path)?;
        Some(index as u32 + 1)
    }

    /// Client: assigns an id to the path, which must then be sent.
    pub(super) fn assign(&mut self, path: &str) -> u32 {
        let index = self.newest % MAX_PATHS;
        match self.paths.get_mut(index) {
            Some(oldest) => *oldest = path.into(),
            None => self.paths.push(path.into()),
        }
        self.newest = index + 1;
        index as u32 + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_path_is_replaced_when_the_table_is_full() {
        let (mut client, mut server) = (Paths::default(), Paths::default());
        for n in 0..3 * MAX_PATHS {
            let path = format!("/{n}");
            let id = client.assign(&path);
            server.define(id, path.as_bytes()).unwrap();
            assert_eq!(server.get(id), Some(&*path));
            assert_eq!(client.id(&path), Some(id));
        }
        assert_eq!(client.paths, server.paths);
        assert_eq!(client.paths.len(), MAX_PATHS);
        assert_eq!(client.id("/0"), None);
    }

    #[test]
    fn an_id_that_leaves_a_gap_is_refused() {
        let mut paths = Paths::default();
        assert_eq!(paths.define(2, b"/a"), Err(Error::PathId));
        assert_eq!(paths.define(0, b"/a"), Err(Error::PathId));
        assert_eq!(paths.define(u32::MAX, b"/a"), Err(Error::PathId));
        assert_eq!(paths.define(1, b"/a"), Ok(()));
        assert_eq!(paths.define(2, b"/b"), Ok(()));
        assert_eq!(paths.get(0), None);
        assert_eq!(paths.get(3), None);
    }

    #[test]
    fn a_path_is_a_slash_and_visible_ascii() {
        let longest = [b'/'; MAX_PATH_BYTES];
        assert!(is_path(b"/agora.Echo/Say") && is_path(b"/") && is_path(&longest));
        let longer = [b'/'; MAX_PATH_BYTES + 1];
        for path in [&b""[..], b"a/b", b"/a b", b"/a\n", b"/\x7f", "/\u{e9}".as_bytes(), &longer] {
            assert!(!is_path(path), "{path:?}");
            assert_eq!(Paths::default().define(1, path), Err(Error::Path));
        }
    }
}
