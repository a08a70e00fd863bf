-- needs: 1

-- A worker enters, and learns how many others listen; or goes on living: not so when its lease had run out, and another may have its messages.
CREATE FUNCTION workflow.enter_1(p_worker text, p_name text, p_listens boolean, p_lease double precision) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM workflow.see_1();
    INSERT INTO workflow.workers (id, name, listens, lease, lease_until)
    VALUES (p_worker, p_name, p_listens, p_lease, clock_timestamp() + make_interval(secs => p_lease));
    RETURN (SELECT count(*) FROM workflow.workers WHERE listens AND id <> p_worker AND lease_until > clock_timestamp());
END
$$;

CREATE FUNCTION workflow.beat_1(p_worker text, p_lease double precision, OUT lives boolean, OUT listeners bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM workflow.see_1();
    UPDATE workflow.workers SET lease_until = clock_timestamp() + make_interval(secs => p_lease)
    WHERE id = p_worker AND workflow.lives_1(id);
    lives := FOUND;
    listeners := (SELECT count(*) FROM workflow.workers WHERE listens AND id <> p_worker AND lease_until > clock_timestamp());
END
$$;

-- A worker leaves: what it has in hand is free.
CREATE FUNCTION workflow.leave_1(p_worker text) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM workflow.workers WHERE id = p_worker;
    RETURN workflow.release_1(p_worker, NULL);
END
$$;

-- Notifies those who listen. It waits for no disk, since Postgres lets one transaction at a time commit a notification.
CREATE FUNCTION workflow.ring_1(p_channel text, p_payloads text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM pg_notify(p_channel, payload) FROM unnest(p_payloads) AS payload;
END
$$;

-- World.delete_ended.
CREATE FUNCTION workflow.delete_ended_1(p_before double precision, p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_seqs bigint[];
    v_ids text[];
    v_streams bigint[];
BEGIN
    SELECT array_agg(old.seq), array_agg(old.id) INTO v_seqs, v_ids FROM (
        SELECT seq, id FROM workflow.runs AS r
        WHERE r.ended_at < p_before AND NOT EXISTS (
            SELECT 1 FROM workflow.runs AS first WHERE first.id = r.root AND first.status IN ('pending', 'running')
        ) AND NOT EXISTS (SELECT 1 FROM workflow.messages AS m WHERE m.run_id = r.id AND m.cancels_children)
        ORDER BY r.ended_at, r.seq LIMIT p_limit FOR UPDATE SKIP LOCKED
    ) AS old;
    v_streams := ARRAY(SELECT seq FROM workflow.streams WHERE run = ANY (v_seqs));
    DELETE FROM workflow.chunks WHERE stream = ANY (v_streams);
    DELETE FROM workflow.streams WHERE seq = ANY (v_streams);
    DELETE FROM workflow.hook_keys WHERE run = ANY (v_seqs);
    DELETE FROM workflow.hooks WHERE run = ANY (v_seqs);
    DELETE FROM workflow.watches WHERE run_id = ANY (v_ids);
    DELETE FROM workflow.places WHERE run_id = ANY (v_ids);
    DELETE FROM workflow.messages WHERE run_id = ANY (v_ids);
    DELETE FROM workflow.events WHERE run = ANY (v_seqs);
    DELETE FROM workflow.runs WHERE seq = ANY (v_seqs);
    RETURN coalesce(cardinality(v_seqs), 0);
END
$$;
