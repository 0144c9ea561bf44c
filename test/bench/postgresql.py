"""A PostgreSQL server in a temporary folder, with its default durability.

The server refuses to run as root: then it runs as the user of the Debian package.
"""

import os
import pwd
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import ROOT, TARGET, TICKS, run

USER = "postgres"
TIMEOUT_S = 60

SCHEMA = """
create table items (
    id int primary key,
    name text not null,
    price bigint not null,
    quantity int not null
);
create table orders (
    id bigint generated always as identity primary key,
    item int not null,
    buyer int not null,
    quantity int not null,
    price bigint not null,
    ordered_at timestamptz not null default now()
);
insert into items
    select n, 'item number ' || n, 1 + n * 7919::bigint % 100000, 1000000
    from generate_series(1, {items}) as n;
"""

# One statement is one transaction, in one round trip.
PURCHASE = """\\set item random(1, {items})
\\set buyer random(1, 100000)
with sold as (
    update items set quantity = quantity - 1 where id = :item and quantity > 0 returning id, price
)
insert into orders (item, buyer, quantity, price) select id, :buyer, 1, price from sold;
"""

# The share of transactions whose latency is logged.
SAMPLED = 0.2


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Postgresql:
    """The server, running."""

    name = "PostgreSQL"

    def __init__(self, items):
        self.items = items
        self.programs = Path(run([ROOT / "scripts" / "tools", "postgresql"]).strip())
        self.as_user = []
        self.folder = Path(tempfile.mkdtemp(dir=self.place(), prefix="bench-pg-"))
        if os.getuid() == 0:
            user = pwd.getpwnam(USER)
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.as_user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
        self.port = free_port()
        self.at = ["-h", "127.0.0.1", "-p", str(self.port)]
        self.process = None

    def place(self):
        """A folder on the same disk as Agora's data that the server's user may enter."""
        probe = "import os, sys; sys.exit(not os.access(sys.argv[1], os.X_OK))"
        for folder in (TARGET, Path(tempfile.gettempdir())):
            as_user = []
            if os.getuid() == 0:
                as_user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
            may = subprocess.run([*as_user, sys.executable, "-c", probe, folder]).returncode == 0
            if may and os.stat(folder).st_dev == os.stat(TARGET).st_dev:
                return folder
        return sys.exit(f"bench: {USER} may enter no folder on the disk of {TARGET}")

    def command(self, program, *words):
        return [*self.as_user, str(self.programs / program), *(str(word) for word in words)]

    def __enter__(self):
        data = self.folder / "data"
        run(self.command("initdb", "--auth=trust", "--encoding=UTF8", "-D", data), cwd=self.folder)
        log = (self.folder / "log").open("ab")
        # Over TCP, like the clients of Agora.
        server = self.command("postgres", "-D", data, "-k", self.folder, "-p", self.port)
        server += ["-c", "listen_addresses=127.0.0.1"]
        self.process = subprocess.Popen(server, stdout=log, stderr=log, cwd=self.folder)
        until = time.monotonic() + TIMEOUT_S
        ready = self.command("pg_isready", "-q", *self.at)
        while subprocess.run(ready, check=False, cwd=self.folder).returncode != 0:
            if time.monotonic() > until:
                sys.exit(f"bench: PostgreSQL does not start; see {self.folder}/log")
            time.sleep(0.1)
        self.query(SCHEMA.format(items=self.items))
        self.query("vacuum analyze")
        (self.folder / "purchase.sql").write_text(PURCHASE.format(items=self.items))
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def query(self, statements):
        psql = self.command("psql", "-qtA", *self.at, "-d", "postgres")
        return run([*psql, "-v", "ON_ERROR_STOP=1", "-c", statements], cwd=self.folder).strip()

    def cpu_seconds(self):
        """CPU time of the server and of all its processes, including ended ones."""
        parent = self.process.pid
        spent = 0.0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(stat.parent.name) == parent:
                spent += sum(int(field) for field in fields[11:15]) / TICKS
            elif int(fields[1]) == parent:
                spent += (int(fields[11]) + int(fields[12])) / TICKS
        return spent

    def load(self, clients, seconds):
        """Purchases a second, median latency in microseconds, CPU microseconds a purchase."""
        before, orders = self.cpu_seconds(), self.orders()
        pgbench = self.command("pgbench", "-n", *self.at, "-M", "prepared")
        pgbench += ["-f", str(self.folder / "purchase.sql"), "-T", f"{seconds:.0f}"]
        pgbench += ["-c", str(clients), "-j", str(min(clients, 2))]
        sampled = 1 if clients == 1 else SAMPLED
        pgbench += ["-l", f"--sampling-rate={sampled}", "--log-prefix=latency", "postgres"]
        output = run(pgbench, cwd=self.folder, stderr=subprocess.DEVNULL)
        spent, bought = self.cpu_seconds() - before, self.orders() - orders
        rate = float(re.search(r"^tps = ([\d.]+)", output, re.MULTILINE)[1])
        latencies = []
        for log in self.folder.glob("latency.*"):
            latencies += [int(line.split()[2]) for line in log.read_text().splitlines()]
            log.unlink()
        return rate, statistics.median(latencies), spent * 1e6 / bought

    def orders(self):
        return int(self.query("select count(*) from orders"))

    def audit(self):
        """Checks that the orders match the missing stock."""
        sold = self.query("select count(*) from orders")
        missing = self.query("select sum(1000000 - quantity) from items")
        if sold != missing:
            sys.exit(f"bench: PostgreSQL has {sold} orders and {missing} pieces less")
