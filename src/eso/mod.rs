//! From hand-made Secrets to Vault and External Secrets, as data: who owns what, what goes where, and whether it got there.

mod external;
mod facts;
mod inventory;
mod manifest;
mod moment;
mod moved;
mod moved_report;
mod naming;
mod neighbours;
mod owner;
mod plan;
mod planning;
mod references;
mod remains;
mod sources;
mod spec;
mod store;
mod values;
mod verdict;
mod written;

pub use self::external::{External, Ready};
pub use self::facts::{Encoding, KeyFacts, SecretFacts, bytes};
pub use self::inventory::Inventory;
pub use self::manifest::{forced, real, shadow};
pub use self::moment::{Moment, go_duration, interval};
pub use self::moved::{InVault, Moved, Sync};
pub use self::moved_report::{Told, survey};
pub use self::naming::{external_secret_name, is_path, vault_path};
pub use self::neighbours::{Neighbour, next_plans, other_environment};
pub use self::owner::{Owner, has_owner_reference};
pub use self::plan::{KeyPlan, LeftOut, Plan, SecretPlan, StoreRef};
pub use self::planning::PlanFile;
pub use self::references::secrets_of;
pub use self::remains::{Manifest, Origin, Remain, remains};
pub use self::sources::{Reference, Remote, Sources};
pub use self::spec::asks_for;
pub use self::store::{StoreFacts, VaultStore};
pub use self::values::{differences, to_document};
pub use self::verdict::{Verdict, changed_by_hand, hand_work, judge};
pub use self::written::{Written, differing, written};

/// The group of ExternalSecrets and stores.
pub const GROUP: &str = "external-secrets.io";

/// The annotation that tells which plan an ExternalSecret comes from.
pub const PLAN_ANNOTATION: &str = "secret-patch.dev/eso-plan";
