-- Dagster's own login, for psql as the master user in database dagster. Its password is what the file `password_file` holds, so
-- that it is in no command line. Run again, this sets the password anew.
\set ON_ERROR_STOP on
\set password `cat :'password_file'`
SELECT 'CREATE ROLE dagster LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dagster') \gexec
ALTER ROLE dagster PASSWORD :'password';
GRANT CONNECT, TEMPORARY ON DATABASE dagster TO dagster;
GRANT USAGE, CREATE ON SCHEMA public TO dagster;
