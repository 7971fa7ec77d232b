-- Reads the vouchers that may still be used.
-- Inputs: vouchers; $day. Grain: one row per voucher, in the order of codes. Output: its columns; percent in basis points, money in ten-thousandths,
-- 0 or empty where the list does not tell.
select
    code, store, coalesce(campaign, ''), coalesce(till_code, ''),
    coalesce(percent * 100, 0)::bigint, coalesce(amount * 10000, 0)::bigint, coalesce(at_most * 10000, 0)::bigint,
    coalesce(spend_at_least * 10000, 0)::bigint, groups, valid_from, valid_until
from main.vouchers
where valid_until >= date '1970-01-01' + $day::integer
order by code
