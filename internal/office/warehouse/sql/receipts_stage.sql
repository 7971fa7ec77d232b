-- Puts the lines of a list together to receipts.
-- Inputs: parsed. Grain: one row per receipt with at least one line that counts. Output: staged, in the order of the list; `problem` says why
-- a receipt cannot be taken, `content` is a fingerprint of its lines that is the same in any order.
create temp table staged as
select
    store, till, receipt_key,
    min(receipt_no) as receipt_no,
    min(day) as business_date,
    min(sold_at) as sold_at,
    case when bool_or(is_training) then 'training' when bool_or(is_void) then 'void' when bool_and(is_return) then 'return' else 'sale' end as kind,
    min(customer) as customer,
    min(currency) as currency,
    min(channel) as channel,
    min(original_store) as original_store,
    min(original_till) as original_till,
    min(original_date) as original_business_date,
    min(original_no) as original_receipt_no,
    count(*)::integer as lines,
    (count(*) filter (merchandise and not brought_back))::integer as bought,
    (coalesce(sum(amount) filter (merchandise and not brought_back), 0))::decimal(38, 4) as sold,
    (coalesce(sum(amount) filter (merchandise and brought_back), 0))::decimal(38, 4) as returned,
    sum(md5_number_lower(concat_ws(chr(31),
        coalesce(sold_at::varchar, chr(30)), day, coalesce(customer, chr(30)), coalesce(sku, chr(30)), coalesce(group_code, chr(30)),
        quantity, amount, discount, coalesce(currency, chr(30)), is_return, is_void, is_training, merchandise, promotion,
        coalesce(original_store, chr(30)), coalesce(original_till, chr(30)), coalesce(original_date::varchar, chr(30)),
        coalesce(original_no, chr(30)), channel)))::hugeint as content, -- without a channel as before there were any
    min(rowid) as first_row,
    case
        when min(customer) <> max(customer) then 'its receipt names more than one customer'
        when min(currency) <> max(currency) then 'its receipt names more than one currency'
        when sum(abs(amount)) > 90000000000000 then 'its receipt comes to more than can be kept'
    end as problem,
    null::varchar as standing,   -- new, known, other
    null::bigint as receipt_id
from (
    -- Goods come back on a return, and wherever a quantity (or, without one, an amount) is negative.
    select rowid, *, is_return or quantity < 0 or (quantity = 0 and amount < 0) as brought_back
    from temp.main.parsed
    where problem is null and skip is null
)
group by store, till, receipt_key
order by first_row
