//! Checks whether a caller may use what a path names, a method or a resource.

use crate::call::{Access, Code, Principal, Status};

/// Checks that the caller may use `path`; without an `access` no caller may where roles are enforced.
///
/// # Errors
/// UNAUTHENTICATED for a caller without a certificate, PERMISSION_DENIED for one whose roles do not
/// suffice.
#[inline]
pub(super) fn authorize(
    principal: &Principal,
    path: &str,
    access: Option<Access>,
) -> Result<(), Status> {
    let may = matches!(principal, Principal::Unchecked)
        || access.is_some_and(|access| principal.may(access));
    if may { Ok(()) } else { Err(objection(principal, path, access)) }
}

/// Why the caller may not.
#[cold]
fn objection(principal: &Principal, path: &str, access: Option<Access>) -> Status {
    let Some(role) = access.map(Access::name) else {
        return Status::new(Code::PermissionDenied, format!("no role permits {path}"));
    };
    match principal {
        Principal::Certificate(_) => {
            let reason = format!("{path} needs the role {role}; this is {principal}");
            Status::new(Code::PermissionDenied, reason)
        }
        Principal::Anonymous | Principal::Unchecked => {
            let reason = format!("{path} needs a client certificate with the role {role}");
            Status::new(Code::Unauthenticated, reason)
        }
    }
}
