-- What article lists say.
-- One row per article.
create table articles (
    sku            varchar not null,
    name           varchar,
    group_code     varchar,                        -- stands in for a line's group where the receipts tell none
    brand          varchar,
    cost           decimal(18, 4),                 -- what a piece costs the shop
    margin_percent decimal(18, 4),                 -- of the amount paid, where no cost is known
    new_since      date,                           -- first day on sale
    pack_days      bigint                          -- how long a pack lasts, as a rule
);

-- What store lists say.
-- One row per store.
create table stores (
    store     varchar not null,
    name      varchar,
    owner     varchar,                             -- in whose books its points stand
    region    varchar,
    country   varchar,                             -- ISO 3166
    languages varchar[],
    hours     varchar                              -- opening hours, in the list's own words
);

-- Lines with the group of the article list where they have none of their own.
-- One row per line of a receipt; the columns of lines.
create view goods as
select lines.* replace (coalesce(lines.group_code, articles.group_code) as group_code)
from lines left join articles on lines.group_code is null and articles.sku = lines.sku;
