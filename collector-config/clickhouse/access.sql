-- Who may do what. Run it as an administrator, first: the tables need not be there yet, and are
-- never open. Users get a role each:
--   CREATE USER collector IDENTIFIED BY '…' DEFAULT ROLE otelier_collector;
--   CREATE USER ada_of_acme IDENTIFIED BY '…' DEFAULT ROLE tenant_acme;

-- The collector: makes its tables, and writes.
CREATE ROLE IF NOT EXISTS otelier_collector;
GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, SHOW COLUMNS, SELECT, INSERT
ON otel.* TO otelier_collector;

-- Tenants read their own spans, with what was said in them. Logs and metrics do not say whose they
-- are, so they stay closed. Each view by its name, never otelier.*: there is otelier.kept_mv, too,
-- its owner's, which shows what all tenants sent.
CREATE ROLE IF NOT EXISTS otelier_tenant;
GRANT SELECT ON otel.otel_traces TO otelier_tenant;
GRANT SELECT ON otelier.calls TO otelier_tenant;
GRANT SELECT ON otelier.batches TO otelier_tenant;
GRANT SELECT ON otelier.spent TO otelier_tenant;
GRANT SELECT ON otelier.tagged TO otelier_tenant;
GRANT SELECT ON otelier.spent_tagged TO otelier_tenant;
GRANT SELECT ON otelier.reasons TO otelier_tenant;
GRANT SELECT ON otelier.spans TO otelier_tenant;
GRANT SELECT ON otelier.attributes TO otelier_tenant;
GRANT SELECT ON otelier.ago TO otelier_tenant;
GRANT SELECT ON otelier.trace TO otelier_tenant;
GRANT SELECT ON otelier.messages TO otelier_tenant;
GRANT SELECT ON otelier.tool_calls TO otelier_tenant;
GRANT SELECT ON otelier.sessions TO otelier_tenant;
GRANT SELECT ON otelier.costs TO otelier_tenant;
GRANT SELECT ON otelier.kept TO otelier_tenant;
GRANT SELECT ON otelier.kept_spent TO otelier_tenant;

-- Whom no policy names reads everything: this one makes a tenant without one of his own read none.
CREATE ROW POLICY OR REPLACE otelier_none ON otel.otel_traces USING 0 TO otelier_tenant;
CREATE ROW POLICY OR REPLACE otelier_none ON otelier.kept USING 0 TO otelier_tenant;

-- These four lines for each tenant.
CREATE ROLE IF NOT EXISTS tenant_acme;
GRANT otelier_tenant TO tenant_acme;
CREATE ROW POLICY OR REPLACE tenant_acme ON otel.otel_traces
USING SpanAttributes['otelier.metadata.tenant'] = 'acme' TO tenant_acme;
CREATE ROW POLICY OR REPLACE tenant_acme ON otelier.kept USING tenant = 'acme' TO tenant_acme;

-- Dashboards: all tenants, no content. Not otelier.calls, which reads where the content is.
CREATE ROLE IF NOT EXISTS otelier_dashboards;
GRANT SELECT ON otelier.kept TO otelier_dashboards;
GRANT SELECT ON otelier.kept_spent TO otelier_dashboards;
CREATE ROW POLICY OR REPLACE otelier_all ON otelier.kept USING 1 TO otelier_dashboards;
GRANT SELECT ON otel.otel_metrics_histogram TO otelier_dashboards;
GRANT SELECT ON otel.otel_metrics_sum TO otelier_dashboards;
GRANT SELECT ON otel.otel_metrics_gauge TO otelier_dashboards;

-- 2: clients may set how they are answered (Grafana's does), but not write, and not these limits.
CREATE SETTINGS PROFILE OR REPLACE otelier_readers
SETTINGS readonly = 2, max_execution_time = 60 MAX 60, max_memory_usage = 4000000000 MAX 4000000000
TO otelier_tenant, otelier_dashboards;
