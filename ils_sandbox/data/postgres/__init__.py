"""PostgreSQL as Aurora: files, servers, the way in, snapshots, and going back in time."""
