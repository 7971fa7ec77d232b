-- Gathers the receipts that tell what customers do: all of the past, of everybody who may be scored, and of nobody in particular.
-- Inputs: counted, scores; $as_of, the last day; $currency. Grain: one row per receipt. Output: purchases: whose it is (null for an anonymous one),
-- when and where, whether it was a visit, and what was bought and brought back, without what is sensitive.
create temp table purchases as
select
    receipt_id, account_id, store, business_date, sold_at, channel, visit,
    sold - coalesce(sensitive_sold, 0) as sold, returned - coalesce(sensitive_returned, 0) as returned
from counted($as_of, $currency)
left join (select account_id, standing from main.scores) as scores using (account_id)
where account_id is null or standing in ('scored', 'lapsed')
