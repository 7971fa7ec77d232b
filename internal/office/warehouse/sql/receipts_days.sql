-- Counts per store and day what a list would add.
-- Inputs: staged, receipts. Grain: one row per store and day with a sale or return that no list and no store told of before. Output: store, day
-- as days since 1970-01-01, receipts, what they come to in ten-thousandths.
select store, (business_date - date '1970-01-01')::integer, count(*), sum((sold + returned) * 10000)::bigint
from temp.main.staged
where problem is null and standing = 'new' and kind in ('sale', 'return')
    and not exists (
        from main.receipts as known
        where known.store = staged.store and known.till = staged.till and known.business_date = staged.business_date
            and known.receipt_no = staged.receipt_no
    )
group by all
order by 1, 2
