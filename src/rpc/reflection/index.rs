//! An index of the names that the compiled descriptors declare.
//!
//! A protoset is a `google.protobuf.FileDescriptorSet` (`google/protobuf/descriptor.proto`, which
//! defines the field numbers below): files, and in each its messages, enums and services by their
//! simple names. The index builds full names: a field is `package.Message.field`, a method
//! `package.Service.Method`. An enum's values are siblings of the enum, which is protobuf's scoping
//! rule.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::protobuf::{Error, first_text, parts, text};

/// A file of the index.
pub(super) type FileId = usize;

/// Files, and all names that they declare.
#[derive(Debug, Default)]
pub(super) struct Index {
    files: Vec<File>,
    by_name: BTreeMap<&'static str, FileId>,
    symbols: BTreeMap<String, Symbol>,
}

#[derive(Debug)]
struct File {
    /// Its `FileDescriptorProto`.
    descriptor: &'static [u8],
    imports: Vec<&'static str>,
}

#[derive(Clone, Copy, Debug)]
struct Symbol {
    file: FileId,
    is_message: bool,
}

/// `FileDescriptorSet`.
const SET_FILE: u32 = 1;
/// The name of any declaration, and of a file.
const NAME: u32 = 1;
/// `FileDescriptorProto`.
const FILE_PACKAGE: u32 = 2;
const FILE_DEPENDENCY: u32 = 3;
const FILE_MESSAGE: u32 = 4;
const FILE_ENUM: u32 = 5;
const FILE_SERVICE: u32 = 6;
/// `DescriptorProto`, a message.
const MESSAGE_FIELD: u32 = 2;
const MESSAGE_NESTED: u32 = 3;
const MESSAGE_ENUM: u32 = 4;
const MESSAGE_ONEOF: u32 = 8;
/// `EnumDescriptorProto`.
const ENUM_VALUE: u32 = 2;
/// `ServiceDescriptorProto`.
const SERVICE_METHOD: u32 = 2;

impl Index {
    /// Reads a `FileDescriptorSet`.
    ///
    /// # Errors
    /// It is not well-formed protobuf.
    pub(super) fn read(protoset: &'static [u8]) -> Result<Index, Error> {
        let mut index = Index::default();
        for descriptor in parts(protoset, SET_FILE) {
            index.add_file(descriptor?)?;
        }
        Ok(index)
    }

    /// The file with this name.
    pub(super) fn file(&self, name: &str) -> Option<FileId> {
        self.by_name.get(name).copied()
    }

    /// The file that declares this full name.
    pub(super) fn symbol(&self, name: &str) -> Option<FileId> {
        self.symbols.get(name).map(|symbol| symbol.file)
    }

    /// Whether this is the full name of a message.
    pub(super) fn is_message(&self, name: &str) -> bool {
        self.symbols.get(name).is_some_and(|symbol| symbol.is_message)
    }

    /// The descriptors of a file and of all its imports, without imports in `sent`; adds them all
    /// to `sent`.
    pub(super) fn with_imports(
        &self,
        file: FileId,
        sent: &mut BTreeSet<FileId>,
    ) -> Vec<&'static [u8]> {
        let mut descriptors = vec![self.files[file].descriptor];
        let mut to_visit = VecDeque::from([file]);
        let mut visited = BTreeSet::from([file]);
        sent.insert(file);
        while let Some(file) = to_visit.pop_front() {
            let imports = self.files[file].imports.iter().filter_map(|name| self.file(name));
            for import in imports.filter(|&import| visited.insert(import)) {
                to_visit.push_back(import);
                if sent.insert(import) {
                    descriptors.push(self.files[import].descriptor);
                }
            }
        }
        descriptors
    }

    fn add_file(&mut self, descriptor: &'static [u8]) -> Result<(), Error> {
        let file = self.files.len();
        let package = first_text(descriptor, FILE_PACKAGE)?;
        for message in parts(descriptor, FILE_MESSAGE) {
            self.add_message(file, package, message?)?;
        }
        for declared in parts(descriptor, FILE_ENUM) {
            self.add_enum(file, package, declared?)?;
        }
        for service in parts(descriptor, FILE_SERVICE) {
            let service = service?;
            let name = self.add(file, package, service)?;
            self.add_parts(file, &name, service, SERVICE_METHOD)?;
        }
        let imports = parts(descriptor, FILE_DEPENDENCY).map(|name| text(name?, FILE_DEPENDENCY));
        let imports = imports.collect::<Result<_, Error>>()?;
        self.by_name.insert(first_text(descriptor, NAME)?, file);
        self.files.push(File { descriptor, imports });
        Ok(())
    }

    fn add_message(
        &mut self,
        file: FileId,
        scope: &str,
        message: &'static [u8],
    ) -> Result<(), Error> {
        let name = self.add(file, scope, message)?;
        if let Some(symbol) = self.symbols.get_mut(&name) {
            symbol.is_message = true;
        }
        self.add_parts(file, &name, message, MESSAGE_FIELD)?;
        self.add_parts(file, &name, message, MESSAGE_ONEOF)?;
        for declared in parts(message, MESSAGE_ENUM) {
            self.add_enum(file, &name, declared?)?;
        }
        for nested in parts(message, MESSAGE_NESTED) {
            self.add_message(file, &name, nested?)?;
        }
        Ok(())
    }

    fn add_enum(
        &mut self,
        file: FileId,
        scope: &str,
        declared: &'static [u8],
    ) -> Result<(), Error> {
        self.add(file, scope, declared)?;
        self.add_parts(file, scope, declared, ENUM_VALUE)
    }

    /// Adds each part of a declaration with this field number.
    fn add_parts(
        &mut self,
        file: FileId,
        scope: &str,
        declaration: &'static [u8],
        number: u32,
    ) -> Result<(), Error> {
        for part in parts(declaration, number) {
            self.add(file, scope, part?)?;
        }
        Ok(())
    }

    /// Adds a declaration of a scope; returns its full name.
    fn add(
        &mut self,
        file: FileId,
        scope: &str,
        declaration: &'static [u8],
    ) -> Result<String, Error> {
        let name = first_text(declaration, NAME)?;
        let name = if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") };
        self.symbols.insert(name.clone(), Symbol { file, is_message: false });
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::PROTOSET;

    fn index() -> Index {
        Index::read(PROTOSET).unwrap()
    }

    fn names(files: Vec<&'static [u8]>) -> Vec<&'static str> {
        files.into_iter().map(|file| first_text(file, NAME).unwrap()).collect()
    }

    #[test]
    fn every_kind_of_name_leads_to_its_file() {
        let index = index();
        let messages = index.file("grpc/health/v1/health.proto").unwrap();
        let service = index.file("grpc/health/v1/health_service.proto").unwrap();
        for (name, file) in [
            ("grpc.health.v1.Health", service),
            ("grpc.health.v1.Health.Check", service),
            ("grpc.health.v1.HealthCheckRequest", messages),
            ("grpc.health.v1.HealthCheckRequest.service", messages),
            ("grpc.health.v1.HealthCheckResponse.ServingStatus", messages),
            // Values stand beside their enum (protobuf's scoping), not inside it.
            ("grpc.health.v1.HealthCheckResponse.SERVING", messages),
            ("grpc.health.v1.HealthListResponse.StatusesEntry", messages),
        ] {
            assert_eq!(index.symbol(name), Some(file), "{name}");
        }
        let oneof = "grpc.reflection.v1.ServerReflectionRequest.message_request";
        assert!(index.symbol(oneof).is_some());
    }

    #[test]
    fn unknown_names_are_not_found() {
        let index = index();
        for name in ["", ".", "grpc.health.v1", ".grpc.health.v1.Health", "grpc.health.v1.health"] {
            assert_eq!(index.symbol(name), None, "{name}");
        }
        assert_eq!(index.file("health.proto"), None);
        assert!(index.is_message("grpc.testing.Empty"));
        assert!(!index.is_message("grpc.testing.TestService"));
    }

    #[test]
    fn imports_are_returned_once_and_the_requested_file_always() {
        let index = index();
        let market = index.file("agora/market/v1/market_service.proto").unwrap();
        let mut sent = BTreeSet::new();
        let first = names(index.with_imports(market, &mut sent));
        assert_eq!(first[0], "agora/market/v1/market_service.proto");
        assert!(first.contains(&"agora/market/v1/market.proto"));
        let again = names(index.with_imports(market, &mut sent));
        assert_eq!(again, ["agora/market/v1/market_service.proto"]);
    }

    #[test]
    fn every_import_is_there() {
        let index = index();
        let imports = index.files.iter().flat_map(|file| &file.imports);
        let missing: Vec<_> = imports.filter(|name| index.file(name).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn no_file_declares_an_extension() {
        // FileDescriptorProto 7, DescriptorProto 6: reflection answers that there are none.
        for file in index().files {
            assert_eq!(parts(file.descriptor, 7).count(), 0);
            let messages = parts(file.descriptor, FILE_MESSAGE);
            assert_eq!(messages.flat_map(|message| parts(message.unwrap(), 6)).count(), 0);
        }
    }

    #[test]
    fn a_damaged_protoset_is_an_error() {
        let cut = &PROTOSET[..PROTOSET.len() - 1];
        assert_eq!(Index::read(cut).unwrap_err(), Error::Truncated);
    }
}
