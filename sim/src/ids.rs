//! Names of things in a run: indices with a type each.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// Position in the table of its kind.
            #[must_use]
            pub fn index(self) -> usize {
                self.0 as usize
            }

            /// The id of the row at `index`.
            ///
            /// # Panics
            /// If `index` does not fit 32 bits.
            #[must_use]
            pub fn new(index: usize) -> Self {
                Self(u32::try_from(index).expect("an id fits 32 bits"))
            }
        }
    };
}

id!(
    /// A node: one machine that serves one model.
    NodeId
);
id!(
    /// A slot in the table of live jobs; reused after the job has ended.
    JobId
);
id!(
    /// A region of the network.
    RegionId
);
id!(
    /// An owner of one or more nodes.
    OwnerId
);
id!(
    /// A fleet of a platform.
    FleetId
);
id!(
    /// A serving profile: one device class serving the platform's model.
    ProfileId
);
