# ruff: noqa
"""What vulture takes for dead and is not: others call it by its name. One reason for each group.

Not a program: vulture only reads the names (see [tool.vulture] in pyproject.toml). Add a name here only when
something outside this repository, a template, or a program inside the sandbox uses it; code that only tests
call is deleted.
"""

# pytest calls hooks, unittest its runner's methods, by name; these programs run inside the sandbox.
pytest_addoption
pytest_assertrepr_compare
pytest_collection
pytest_collection_finish
pytest_collectreport
pytest_configure
pytest_exception_interact
pytest_runtest_logfinish
pytest_runtest_logreport
pytest_runtest_logstart
pytest_runtestloop
pytest_sessionfinish
pytest_sessionstart
pytest_unconfigure
_.addSubTest
_.startTest
_.startTestRun
_.stopTestRun
create_module
exec_module
find_spec
_._makeResult
_.testRunner
_._repr_failure_py
_.repr_failure

# pydantic-ai's adapter for OpenAI's protocol calls what a subclass may override.
_._streamed_response_cls
_._validate_response

# OpenFeature's SDK calls a provider's and a client's methods.
_.get_metadata
_.get_provider_status
_.resolve_boolean_details
_.resolve_float_details
_.resolve_integer_details
_.resolve_object_details
_.resolve_string_details

# What a percentage may count: stored in the database and read back by value.
INSTALLATION

# The interpreter reads these of the module ``sys``.
dont_write_bytecode
pycache_prefix

# Libraries call or read these: pydantic, gunicorn, http.server, html.parser, gidgethub, Alembic, sqlite3, dulwich.
model_config
load_config
do_GET
handle_endtag
handle_startendtag
handle_data
log_message
_request
revision
down_revision
branch_labels
depends_on
_.row_factory
_.author_timezone
_.tag_timezone
ofs_delta

# Parameters of signatures that others set: gidgethub's ``post``, GraphQL's arguments.
extra_headers
url_vars
dryRun
followRenames
paging

# Fields of a dictionary that is typed (TypedDict), and of a record that is logged whole.
bot_login
unnotified
late_steering

# The local GitHub's templates read these.
anchors
association
excerpt
first_id
initial
no_newline
resolved_by

# Rows that an earlier version stored may have these kinds.
EDIT
REACTION

# What a command left, for callers of the sandbox: where the whole output is, and what was not kept of it.
omitted_requests
output_file

# configparser asks its reader for it.
optionxform

# Templates of the dashboard ask for it.
tone
is_renewed

# A category that rules.yml names by its value.
POLITICS

# A kind of run that only the attack suite has, whose moves are of the same class.
ALONE

# Fields of the API's answers.
usd_per_pull
usd_per_merged
merge_rate

# A column that is stored with all others of its record.
free_bytes
