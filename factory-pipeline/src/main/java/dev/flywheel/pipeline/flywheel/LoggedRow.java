package dev.flywheel.pipeline.flywheel;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.RowWriter;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.log.RowEncoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.HexFormat;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/** Lets through what of a row may be logged. Not thread-safe. */
final class LoggedRow implements RowWriter {

    private static final String HMAC = "HmacSHA256";
    private static final int HASH_BYTES = 16;

    private final RowEncoder to;
    private final boolean[] kept;
    private final @Nullable Mac[] hashes;

    private LoggedRow(RowEncoder to, Schema schema, Logging<?> logging) {
        this.to = to;
        this.kept = new boolean[schema.size()];
        this.hashes = new Mac[schema.size()];
        for (int i = 0; i < kept.length; i++) {
            Column column = schema.column(i);
            kept[i] = logging.logs(column.name());
            hashes[i] = logging.hashes(column.name()) ? hash(logging.key(column.name())) : null;
        }
    }

    /** {@return where to write a row of which a part is logged} */
    static RowWriter of(RowEncoder to, Schema schema, Logging<?> logging) {
        return logging.whole() ? to : new LoggedRow(to, schema, logging);
    }

    private static Mac hash(byte[] key) {
        try {
            Mac mac = Mac.getInstance(HMAC);
            mac.init(new SecretKeySpec(key, HMAC));
            return mac;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every Java platform has " + HMAC, e);
        }
    }

    @Override
    public void number(int column, double value) {
        if (kept[column]) {
            to.number(column, value);
        }
    }

    @Override
    public void integer(int column, long value) {
        if (kept[column]) {
            to.integer(column, value);
        }
    }

    @Override
    public void bool(int column, boolean value) {
        if (kept[column]) {
            to.bool(column, value);
        }
    }

    @Override
    public void text(int column, String value) {
        Mac mac = hashes[column];
        if (mac != null) {
            byte[] sum = mac.doFinal(value.getBytes(StandardCharsets.UTF_8));
            to.text(column, HexFormat.of().formatHex(Arrays.copyOf(sum, HASH_BYTES)));
        } else if (kept[column]) {
            to.text(column, value);
        }
    }

    @Override
    public void time(int column, long epochMicros) {
        if (kept[column]) {
            to.time(column, epochMicros);
        }
    }

    @Override
    public void vector(int column, float[] value) {
        if (kept[column]) {
            to.vector(column, value);
        }
    }

    @Override
    public void missing(int column) {
        to.missing(column);
    }
}
