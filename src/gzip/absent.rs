//! The functions of a build without the feature `gzip`.

use super::Error;

pub(super) fn compress(_data: &[u8], _out: &mut Vec<u8>) -> Result<(), Error> {
    Err(Error::Unavailable)
}

pub(super) fn expand(_data: &[u8], _limit_bytes: usize, _out: &mut Vec<u8>) -> Result<(), Error> {
    Err(Error::Unavailable)
}

#[cfg(test)]
mod tests {
    use crate::gzip::{Error, IS_AVAILABLE, compress, expand};

    #[test]
    fn a_build_without_gzip_says_so() {
        let mut out = b"before".to_vec();
        assert_eq!(compress(b"x", &mut out), Err(Error::Unavailable));
        assert_eq!(expand(b"x", 100, &mut out), Err(Error::Unavailable));
        assert_eq!(Error::Unavailable.to_string(), "this build has no gzip");
        assert!(out == b"before" && !IS_AVAILABLE);
    }
}
