-- Receipts, as imported lists and stores told of them.
-- One row per receipt and source.
create table receipts (
    receipt_id             bigint not null,        -- rises; never used again
    source                 varchar not null,       -- imported, delivered
    superseded             boolean not null,       -- delivered, and imported too: the imported row counts
    store                  varchar not null,
    till                   varchar not null,
    till_epoch             uinteger not null,      -- 0 for imported receipts
    business_date          date not null,
    receipt_no             varchar not null,
    fork                   uinteger not null,      -- n-th other content of a re-imaged till; 0 for the first
    kind                   varchar not null,       -- sale, return, void, post_void, training
    account_id             uuid,                   -- null for an anonymous receipt
    currency               varchar,                -- null for the chain's own
    sold_at                timestamp,              -- store time; null when only the day is known
    original_store         varchar,                -- of a return or post-void that names its sale
    original_till          varchar,
    original_business_date date,
    original_receipt_no    varchar,
    lines                  integer not null,       -- rows in lines
    bought                 integer not null,       -- of them: merchandise that was bought, not brought back
    sold                   decimal(18, 4) not null, -- what those came to
    returned               decimal(18, 4) not null, -- what merchandise brought back came to; at most 0, as a rule
    content                hugeint not null        -- fingerprint of the imported lines, the same in any order; 0 for delivered ones
);

-- What was bought or brought back.
-- One row per line of a receipt.
create table lines (
    receipt_id  bigint not null,
    line_no     integer not null,                  -- from 1, in the order of the source
    sku         varchar,
    group_code  varchar,                           -- the article's product group, where the source tells it
    quantity    decimal(18, 4) not null,
    amount      decimal(18, 4) not null,           -- paid for the line after discounts; negative for goods brought back
    discount    decimal(18, 4) not null,
    merchandise boolean not null,                  -- false for deposits, gift cards, postage: neither scored nor earning
    returned    boolean not null,                  -- brought back
    promotion   boolean not null
);

-- The accounts that receipts and customer lists led to.
-- One row per account.
create table accounts (
    account_id  uuid not null,
    external_id varchar                            -- the shop's own customer number; null where only a card is known
);

-- What customer lists say about accounts. Null: no list said anything.
-- One row per account.
create table customers (
    account_id     uuid not null,
    language       varchar,
    home_store     varchar,
    first_name     varchar,
    groups         varchar[],                      -- customer groups: trade, staff, …
    objected       boolean,
    profiling      boolean,                        -- agreed to profiling
    marketing      boolean,
    linked_answers boolean,
    minor          boolean,
    blocked        boolean,
    tier           varchar,
    points         bigint,                         -- opening balance
    segment        varchar,                        -- segment and scores made elsewhere
    r              integer,
    f              integer,
    m              integer
);

-- How far each store's journal has been taken in.
-- One row per server and life of its journal.
create table delivered_through (
    server_id   varchar not null,
    incarnation uuid not null,
    through     ubigint not null                   -- last outbox sequence that was considered
);
