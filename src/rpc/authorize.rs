//! Checks whether a caller may use what a path names, a method or a resource.

use crate::call::{Access, Code, Principal, Status};

/// Checks that the caller may use `path`; without an `access` no caller may where roles are enforced.
///
/// # Errors
/// UNAUTHENTICATED for a caller without a certificate, PERMISSION_DENIED for one whose roles do not
/// suffice.
pub(super) fn authorize(
    principal: &Principal,
    path: &str,
    access: Option<Access>,
) -> Result<(), Status> {
    match (principal, access) {
        (Principal::Unchecked, _) => Ok(()),
        (_, Some(access)) if principal.may(access) => Ok(()),
        (_, None) => {
            let reason = format!("no role permits {path}");
            Err(Status::new(Code::PermissionDenied, reason))
        }
        (Principal::Anonymous, Some(access)) => {
            let role = access.name();
            let reason = format!("{path} needs a client certificate with the role {role}");
            Err(Status::new(Code::Unauthenticated, reason))
        }
        (Principal::Certificate(_), Some(access)) => {
            let role = access.name();
            let reason = format!("{path} needs the role {role}; this is {principal}");
            Err(Status::new(Code::PermissionDenied, reason))
        }
    }
}
