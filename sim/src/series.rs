//! What is recorded of each epoch of an economy.

macro_rules! columns {
    ($($variant:ident $name:literal [$unit:literal] $description:literal;)*) => {
        /// A quantity over time, of the network that figures are about unless it says otherwise.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Column { $(#[doc = $description] $variant,)* }

        impl Column {
            /// All of them, in the order of tables.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];
            const DEFINITIONS: &[[&str; 3]] = &[$([$name, $unit, $description],)*];
        }
    };
}

columns! {
    Demand "demand" ["units/day"] "work that all customers want at today's prices";
    Wanted "wanted" ["units/day"] "work that they want from this network";
    Served "served" ["units/day"] "work that it did";
    Capacity "capacity" ["units/day"] "work that it could do";
    Utilization "utilization" ["1"] "served over capacity";
    Share "share" ["1"] "part of all work served that it did";
    Price "price" ["USD/unit"] "what customers paid for a unit, or would have";
    RivalPrice "rival_price" ["USD/unit"] "the lowest price elsewhere";
    Spend "spend" ["USD/day"] "what its customers paid";
    Providers "providers" ["owners"] "owners online";
    Waiting "waiting" ["owners"] "owners who wait for hardware";
    Joined "joined" ["owners"] "owners who came in this epoch";
    Left "left" ["owners"] "owners who left in this epoch";
    Earning "earning" ["USD/unit"] "what a unit of capacity earned, used or not";
    Cost "running_cost" ["USD/unit"] "mean running cost of a unit of capacity online";
    Subsidy "subsidy" ["USD/day"] "new tokens for owners, at today's price";
    TokenPrice "token_price" ["USD"] "price of the token";
    Supply "supply" ["tokens"] "tokens minted and not burned";
    Circulating "circulating" ["tokens"] "supply less what is staked, vesting or in the treasury";
    Minted "minted" ["tokens"] "tokens minted in this epoch";
    Burned "burned" ["tokens"] "tokens burned in this epoch";
    Staked "staked" ["tokens"] "tokens locked as stakes, delegated ones included";
    Delegated "delegated" ["tokens"] "staked tokens that the public has delegated";
    StakeYield "stake_yield" ["1/year"] "what stake earns in tokens, by year";
    Lost "lost" ["units/day"] "work that was paid for and not done, by owners who cheat";
    Caught "caught" ["owners"] "owners caught cheating in this epoch";
    Slashed "slashed" ["tokens"] "tokens taken from stakes in this epoch";
    Sold "sold" ["tokens"] "tokens sold to the public by owners, insiders and the treasury";
    Models "models" ["models"] "models on offer";
    ModelQuality "model_quality" ["1"] "mean quality of the models that work was done with; the median of all new ones is 1";
    CreatorPay "creator_pay" ["USD/day"] "paid to creators of models";
    Bought "bought" ["USD/day"] "what was spent on tokens, by customers, owners and the treasury";
    Treasury "treasury" ["USD"] "the treasury's dollars, and its tokens at today's price";
    Unpaid "unpaid" ["USD/day"] "running cost of the protocol that the treasury could not pay";
    NewDeals "new_deals" ["units/day"] "storage of which deals began";
    Pledge "pledge" ["USD/unit"] "what must be locked for a unit of capacity, at today's price";
    FaultFees "fault_fees" ["USD/day"] "fees for missed proofs and terminated capacity, at today's price";
    ColludersWork "colluders_work" ["1"] "share of the work that owners of colluding validators did before the last division of new tokens";
    ColludersPay "colluders_pay" ["1"] "share of owners' new tokens that they got at the last division";
    HonestDividends "honest_dividends" ["1"] "dividends of honest validators over their share of the stake, at the last division";
    ColludersDividends "colluders_dividends" ["1"] "dividends of colluding validators over their share of the stake, at the last division";
    Requests "requests" ["1/day"] "requests that came, where these are modelled one by one";
    Within "within_objectives" ["1/day"] "requests that were served within the objectives of their platform";
    Reserved "reserved_work" ["units/day"] "work done by reserved capacity";
    Spot "spot_work" ["units/day"] "work that can be interrupted, done by idle capacity";
    Unused "unused_reservations" ["units/day"] "capacity that was reserved, paid and not used";
}

impl Column {
    /// Number of columns.
    pub const COUNT: usize = Self::ALL.len();

    /// Name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::DEFINITIONS[self as usize][0]
    }

    /// Unit, `1` for a plain share.
    #[must_use]
    pub fn unit(self) -> &'static str {
        Self::DEFINITIONS[self as usize][1]
    }

    /// What it says.
    #[must_use]
    pub fn description(self) -> &'static str {
        Self::DEFINITIONS[self as usize][2]
    }

    /// The column with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|column| column.name() == name)
    }
}

/// All columns of an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row(pub [f64; Column::COUNT]);

impl Default for Row {
    fn default() -> Self {
        Self([0.0; Column::COUNT])
    }
}

impl std::ops::Index<Column> for Row {
    type Output = f64;

    fn index(&self, column: Column) -> &f64 {
        &self.0[column as usize]
    }
}

impl std::ops::IndexMut<Column> for Row {
    fn index_mut(&mut self, column: Column) -> &mut f64 {
        &mut self.0[column as usize]
    }
}

/// Epochs in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// The end of each recorded epoch [days].
    pub days: Vec<f64>,
    /// What happened in it.
    pub rows: Vec<Row>,
    /// Segments of customers by name, with the share of what each wanted that it wanted of the first network, epoch by epoch; none if
    /// all are alike.
    pub segments: Vec<(String, Vec<f64>)>,
}

impl Series {
    /// A column over time.
    pub fn column(&self, column: Column) -> impl Iterator<Item = f64> + Clone {
        self.rows.iter().map(move |row| row[column])
    }
}
