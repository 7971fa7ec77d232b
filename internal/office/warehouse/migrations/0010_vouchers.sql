-- What voucher lists say: rights of an earlier system that can be used once and have not been.
-- One row per voucher.
create table vouchers (
    code           varchar not null,               -- as it is printed
    store          varchar,                        -- where it can be used: a right to be used once lies in one place
    campaign       varchar,
    percent        decimal(18, 4),                 -- discount; either this
    amount         decimal(18, 4),                 -- or so much off
    at_most        decimal(18, 4),                 -- the most a percentage comes to
    spend_at_least decimal(18, 4),                 -- from what spending on it holds
    groups         varchar[],                      -- product groups it is for; null for all
    valid_from     date,
    valid_until    date,                           -- last day
    till_code      varchar                         -- by which the till knows this discount
);
