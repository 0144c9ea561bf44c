//! The certificates that a configuration is made of.

use std::path::PathBuf;
use std::time::SystemTime;

use rustls::pki_types::CertificateDer;

use super::Certificate;
use super::validity::Validity;
use super::words::Side;
use crate::call::Identity;

/// The certificates of one side, with the files that they are from.
#[derive(PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) side: Side,
    /// The own certificate, followed by those that lead to an authority.
    pub(super) own: Option<(PathBuf, Vec<CertificateDer<'static>>)>,
    pub(super) authorities: Option<(PathBuf, Vec<CertificateDer<'static>>)>,
}

impl Parts {
    /// The own certificate's validity.
    pub(super) fn own(&self) -> Option<Validity> {
        let (_, chain) = self.own.as_ref()?;
        chain.first().and_then(Validity::of)
    }

    /// The names of the own certificate.
    pub(super) fn identity(&self) -> Option<Identity> {
        let (_, chain) = self.own.as_ref()?;
        Some(Certificate::parse(chain.first()?).ok()?.identity())
    }

    /// What an operator should know, a line for each.
    pub(super) fn warnings(&self, now: SystemTime) -> Vec<String> {
        let mut lines = Vec::new();
        if let (Some((file, _)), Some(own)) = (&self.own, self.own()) {
            let warnings = own.own_warnings(now, self.side == Side::Server);
            lines.extend(warnings.iter().map(|line| format!("{}: {line}", file.display())));
        }
        if let Some((file, authorities)) = &self.authorities {
            let authorities = authorities.iter().filter_map(Validity::of);
            let warnings = authorities.filter_map(|authority| authority.expiry_warning(now));
            lines.extend(warnings.map(|line| format!("{}: an authority: {line}", file.display())));
        }
        lines
    }

    /// When the first of them expires.
    pub(super) fn expiry(&self) -> Option<SystemTime> {
        let own = self.own.iter().filter_map(|(_, chain)| chain.first());
        let authorities = self.authorities.iter().flat_map(|(_, authorities)| authorities);
        let all = own.chain(authorities).filter_map(Validity::of);
        all.map(|validity| validity.end()).min()
    }
}
