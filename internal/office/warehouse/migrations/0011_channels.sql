-- Where a receipt was made, where the list tells: web, app, phone, in the list's own words; null for in the store, or not told.
alter table receipts add column channel varchar;
-- Where most is bought, recent visits weighing more: a channel of the receipts, or store; empty when no list tells channels, or there is none.
alter table pictures add column usual_channel varchar default '';
