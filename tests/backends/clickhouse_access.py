"""Roles of access.sql for chdb, which has its users from a file alone, and no logins.

The grants, policies and limits are read from access.sql as they stand and given to the one user
that chdb runs as, as if he had a role of them. Beside him is an owner, who may do everything: views
can be his.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

_CONFIG = """<clickhouse>
<users_config>{users}</users_config>
</clickhouse>
"""
_USERS = """<clickhouse>
<profiles>
<default>{settings}<constraints>{limits}</constraints></default>
<free/>
</profiles>
<quotas><default/></quotas>
<users>
<default>
<password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
{grants}
<databases>{filters}</databases>
</default>
<owner>
<password/><networks><ip>::/0</ip></networks><profile>free</profile><quota>default</quota>
</owner>
</users>
</clickhouse>
"""


def statements(sql: str) -> list[str]:
    """The statements of a file, without comments."""
    bare = re.sub(r"^\s*--.*$", "", sql, flags=re.MULTILINE)
    return [each.strip() for each in re.split(r";\s*(?:\n|$)", bare) if each.strip()]


class Access:
    """What access.sql says."""

    def __init__(self, path: Path) -> None:
        self.statements = statements(path.read_text())

    def _match(self, pattern: str) -> Iterator[re.Match[str]]:
        for statement in self.statements:
            if found := re.fullmatch(pattern, statement, re.DOTALL):
                yield found

    def roles(self, role: str) -> list[str]:
        """A role and those that it was granted."""
        granted = [
            each[1] for each in self._match(r"GRANT (\w+) TO (\w+)") if each[2].split() == [role]
        ]
        return [role, *(each for name in granted for each in self.roles(name))]

    def grants(self, roles: list[str]) -> list[str]:
        """What the roles may do."""
        return [each[1] for each in self._match(r"(GRANT .+\sON .+) TO (\w+)") if each[2] in roles]

    def filters(self, roles: list[str]) -> dict[str, str]:
        """By table, which rows the roles may see: those that any policy gives."""
        pattern = r"CREATE ROW POLICY OR REPLACE \w+ ON (\S+)\s+USING (.+) TO (\w+)"
        found: dict[str, list[str]] = {}
        for each in self._match(pattern):
            if each[3] in roles:
                found.setdefault(each[1], []).append(f"({each[2]})")
        return {table: " OR ".join(conditions) for table, conditions in found.items()}

    def settings(self, roles: list[str]) -> dict[str, tuple[str, str | None]]:
        """Settings of the roles, with the highest allowed value."""
        pattern = r"CREATE SETTINGS PROFILE OR REPLACE \w+\s+SETTINGS (.+)\s+TO (.+)"
        found: dict[str, tuple[str, str | None]] = {}
        for each in self._match(pattern):
            if set(each[2].split(", ")) & set(roles):
                for name, value, most in re.findall(r"(\w+) = (\d+)(?: MAX (\d+))?", each[1]):
                    found[name] = (value, most or None)
        return found

    def write(self, folder: Path, role: str | None) -> Path:
        """Files that make chdb's user one of this role, or with None one who may do everything."""
        roles = self.roles(role) if role else []
        settings = self.settings(roles)
        granted = "".join(f"<query>{escape(each)}</query>" for each in self.grants(roles))
        filters = [
            f"<{database}><{table}><filter>{escape(condition)}</filter></{table}></{database}>"
            for name, condition in self.filters(roles).items()
            for database, table in [name.split(".")]
        ]
        users = folder / "users.xml"
        users.write_text(
            _USERS.format(
                settings="".join(f"<{n}>{value}</{n}>" for n, (value, _) in settings.items()),
                limits="".join(
                    f"<{n}><max>{most}</max></{n}>" for n, (_, most) in settings.items() if most
                ),
                grants=f"<grants>{granted}</grants>" if role else "",
                filters="".join(filters),
            )
        )
        config = folder / "config.xml"
        config.write_text(_CONFIG.format(users=users))
        return config
