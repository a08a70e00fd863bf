-- needs: 1

-- Whether the attempt of the step runs now. The lock keeps it so until this is committed; it is the lock that a commit takes, or shares.
CREATE FUNCTION workflow.writes_1(p_run text, p_step text, p_attempt integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_run record;
BEGIN
    SELECT seq, status INTO v_run FROM workflow.runs WHERE id = p_run FOR SHARE;
    RETURN v_run.status IN ('pending', 'running') AND coalesce((
        SELECT last.kind = 'step_started' AND last.attempt = p_attempt FROM workflow.events AS last
        WHERE last.run = v_run.seq AND last.entity = p_step AND last.entity <> '' ORDER BY last.slot DESC LIMIT 1
    ), false);
END
$$;

-- World.write_chunks, and World.close_stream with p_chunks NULL: the index of the first chunk; -1 when the stream is closed, -2 when the
-- writer does not write any more, -3 when there is no such run. p_mark is one number for each writing, and p_again asks for it first.
CREATE FUNCTION workflow.write_1(
    p_run text, p_name text, p_chunks bytea[], p_writer_run text, p_writer_step text, p_attempt integer, p_mark bigint, p_again boolean
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_run record;
    v_stream workflow.streams;
    v_first bigint;
    v_writes boolean := true;
BEGIN
    -- The writer's own run first, as its commits have it when they touch other runs.
    IF p_writer_run IS NOT NULL THEN
        v_writes := coalesce(workflow.writes_1(p_writer_run, p_writer_step, p_attempt), false);
    END IF;
    SELECT seq, status INTO v_run FROM workflow.runs WHERE id = p_run FOR SHARE;
    IF NOT FOUND THEN
        RETURN -3;
    END IF;
    SELECT * INTO v_stream FROM workflow.streams WHERE run = v_run.seq AND name = p_name FOR UPDATE;
    IF p_again THEN
        SELECT number INTO v_first FROM workflow.chunks WHERE stream = v_stream.seq AND mark = p_mark;
        IF FOUND THEN
            RETURN v_first;
        END IF;
    END IF;
    IF v_stream.closed OR v_run.status NOT IN ('pending', 'running') THEN
        RETURN -1;
    END IF;
    IF NOT v_writes THEN
        RETURN -2;
    END IF;
    IF v_stream.seq IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('workflow.' || p_run || '/' || p_name, 1));
        SELECT * INTO v_stream FROM workflow.streams WHERE run = v_run.seq AND name = p_name FOR UPDATE;
        IF NOT FOUND THEN
            INSERT INTO workflow.streams (run, name) VALUES (v_run.seq, p_name) RETURNING * INTO v_stream;
        ELSIF v_stream.closed THEN
            RETURN -1;
        END IF;
    END IF;
    UPDATE workflow.streams SET length = length + coalesce(cardinality(p_chunks), 0), closed = p_chunks IS NULL WHERE seq = v_stream.seq;
    INSERT INTO workflow.chunks (stream, number, mark, data)
    SELECT v_stream.seq, v_stream.length + chunk.at - 1, CASE WHEN chunk.at = 1 THEN p_mark END, chunk.data
    FROM unnest(p_chunks) WITH ORDINALITY AS chunk (data, at);
    RETURN v_stream.length;
END
$$;
