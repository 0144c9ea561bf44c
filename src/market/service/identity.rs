//! Authentication: from the UUID that a client sends to the identity in the market's state.
//!
//! A UUID is 32 hexadecimal digits in five groups, `8-4-4-4-12`, in either case (RFC 9562 section
//! 4). The market keeps only the SHA-256 of its lower-case form, so neither a printed line nor a
//! stolen disk reveals a credential. No salt is needed: a random UUID has 122 bits, too many for a
//! search.

use crate::call::{Code, Status};
use crate::market::sha256::sha256;
use crate::market::state::{Caller, Identity};

/// The length of a UUID in its text form.
const UUID_BYTES: usize = 36;

/// The positions of its dashes.
const DASHES: [usize; 4] = [8, 13, 18, 23];

/// The caller with this UUID and display name.
///
/// # Errors
/// `UNAUTHENTICATED`: the text is empty or no UUID, or is the nil or the max UUID.
pub fn caller<'m>(uuid: &str, address: &'m str) -> Result<Caller<'m>, Status> {
    let identity = identity(uuid).ok_or_else(|| {
        let reason = match uuid {
            "" => "the uuid is empty",
            _ => "the uuid is not one: make a random one and keep it, 36 characters long",
        };
        Status::new(Code::Unauthenticated, reason)
    })?;
    Ok(Caller { identity, address })
}

fn identity(uuid: &str) -> Option<Identity> {
    let mut canonical: [u8; UUID_BYTES] = uuid.as_bytes().try_into().ok()?;
    let formed = canonical.iter().enumerate().all(|(at, byte)| match byte {
        b'-' => DASHES.contains(&at),
        byte => byte.is_ascii_hexdigit() && !DASHES.contains(&at),
    });
    if !formed {
        return None;
    }
    canonical.make_ascii_lowercase();
    // Programs without a UUID of their own send the nil or the max UUID (RFC 9562 sections 5.9 and
    // 5.10).
    let is_all = |digit| canonical.iter().all(|&byte| byte == digit || byte == b'-');
    if is_all(b'0') || is_all(b'f') {
        return None;
    }
    Identity::from_digest(sha256(&canonical))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: &str = "987a515c-a6e5-41ed-906b-76aef1e817c5";

    #[test]
    fn a_uuid_is_known_by_its_sha_256() {
        // printf 987a515c-a6e5-41ed-906b-76aef1e817c5 | sha256sum
        let digest = "5eff310c917c4427a1033ed1c93691b7224777b4669874a559094cc2044dcfaf";
        let shown: String =
            identity(ADA).unwrap().digest().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(shown, digest);
    }

    #[test]
    fn a_uuid_is_the_same_in_either_case() {
        assert_eq!(identity(&ADA.to_uppercase()), identity(ADA));
        assert_ne!(identity(&ADA.replace('7', "8")), identity(ADA));
    }

    #[test]
    fn malformed_and_special_uuids_are_refused() {
        for uuid in [
            "",
            " ",
            "ada",
            "987a515ca6e541ed906b76aef1e817c5",
            "987a515c-a6e5-41ed-906b-76aef1e817c",
            "987a515c-a6e5-41ed-906b-76aef1e817c5 ",
            "{987a515c-a6e5-41ed-906b-76aef1e817c}",
            "987a515c-a6e5-41ed-906b+76aef1e817c5",
            "987a515c-a6e5-41ed-906b-76aef1e817g5",
            "987a515-ca6e5-41ed-906b-76aef1e817c5",
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-FFFFFFFFFFFF",
            "------------------------------------",
        ] {
            let status = caller(uuid, "10.0.0.1:50051").unwrap_err();
            assert_eq!(status.code, Code::Unauthenticated, "{uuid:?}");
            assert!(uuid.len() < 8 || !status.message.contains(uuid), "a uuid is a secret");
        }
    }
}
