-- What customers like to buy, when and where: the picture of each. Replaced as a whole by every run. An item is a product group of the
-- programme; where it declares none, the article's group or else the article.
-- One row per account with a visit.
create table pictures (
    account_id        uuid not null,
    favourite_group   varchar not null,            -- item in the most receipts, recent ones weighing more; empty when no line tells
    favourite_brand   varchar not null,            -- the same of brands; empty where the article list knows none
    breadth           integer not null,            -- different items ever bought
    promotion_percent integer,                     -- share of money spent on promotion; null with too few visits
    usual_weekday     integer not null,            -- 1 Monday to 7 Sunday; 0 when there is none
    usual_hours       varchar not null,            -- morning, midday, afternoon, evening; empty when there is none
    usual_season      varchar not null,            -- spring, summer, autumn, winter; empty when there is none
    usual_store       varchar not null,
    cluster           varchar not null,            -- item that takes most of the money, or mixed; empty when no line tells
    also_bought       varchar[] not null           -- items that others who buy the same buy, the surest first
);

-- The product mix of each.
-- One row per account and item.
create table mixes (
    account_id    uuid not null,
    item          varchar not null,
    receipts      integer not null,                -- that hold it
    spend_minor   bigint not null,
    share_percent integer not null                 -- of the account's money, recent receipts weighing more
);

-- What is bought again and again.
-- One row per account and item with enough purchases at regular intervals.
create table replenishments (
    account_id   uuid not null,
    item         varchar not null,
    purchases    integer not null,                 -- days with a purchase of it
    every_days   integer not null,                 -- median interval between two
    last_day     date not null,
    expected_day date not null                     -- last_day and the interval
);

-- What is bought together: of the receipts that hold the left, so many hold the right too. Replaced as a whole by every run.
-- One row per rule, the strongest first.
create table affinities (
    rank           integer not null,
    left_items     varchar[] not null,
    right_item     varchar not null,
    receipts       bigint not null,                -- that hold left and right
    left_receipts  bigint not null,
    right_receipts bigint not null,
    all_receipts   bigint not null
);
