package dev.flywheel.core.io;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import dev.flywheel.core.StoreException;
import java.io.IOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.OptionalInt;

/**
 * Records as JSON: an {@link Instant} and a {@link Duration} are ISO-8601 text, an {@link OptionalInt} a number or
 * null, NaN and the infinities are text. Which class is read is said by the caller alone, never by the JSON.
 * Thread-safe: no state that changes.
 */
public final class Json {

    private static final JsonMapper STRICT = JsonMapper.builder()
            .addModule(new SimpleModule()
                    .addSerializer(Instant.class, new InstantWriter())
                    .addDeserializer(Instant.class, new InstantReader())
                    .addSerializer(Duration.class, ToStringSerializer.instance)
                    .addDeserializer(Duration.class, new DurationReader())
                    .addSerializer(OptionalInt.class, new OptionalIntWriter())
                    .addDeserializer(OptionalInt.class, new OptionalIntReader()))
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .build();

    private static final JsonMapper LENIENT = STRICT.rebuild()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .disable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .build();

    // numbers keep the digits they were written with, so the fingerprint does not depend on how a JDK prints a double
    private static final JsonMapper CANONICAL = JsonMapper.builder()
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
            .enable(JsonNodeFeature.WRITE_PROPERTIES_SORTED)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(StreamWriteFeature.WRITE_BIGDECIMAL_AS_PLAIN)
            .build();

    private Json() {}

    /** {@return a record, list or map as indented JSON in UTF-8} */
    public static byte[] write(Object value) {
        try {
            return STRICT.writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(value.getClass() + " cannot be written as JSON", e);
        }
    }

    /** {@return a record, list or map as JSON in UTF-8 on one line, without the line's end} */
    public static byte[] writeLine(Object value) {
        try {
            return STRICT.writer().without(SerializationFeature.INDENT_OUTPUT).writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(value.getClass() + " cannot be written as JSON", e);
        }
    }

    /**
     * {@return the record that the JSON holds}
     *
     * @param json the JSON in UTF-8
     * @param type the record's class
     * @param source what is read, for the message: a file
     * @throws StoreException if the JSON is damaged, or lacks or adds a property
     */
    public static <T> T read(byte[] json, Class<T> type, String source) {
        return read(STRICT, json, type, source);
    }

    /**
     * {@return the record that the JSON holds; properties that it does not know are passed over, so that an older
     * library reads what a newer one wrote, and those that the JSON lacks are null, so that a newer library reads what
     * an older one wrote}
     *
     * @param json the JSON in UTF-8
     * @param type the record's class
     * @param source what is read, for the message: a file
     * @throws StoreException if the JSON is damaged, lacks a property that is a primitive, or is refused by the record
     */
    public static <T> T readKnown(byte[] json, Class<T> type, String source) {
        return read(LENIENT, json, type, source);
    }

    /**
     * {@return the SHA-256, in lower-case hex, of a JSON object in canonical form: properties sorted by name, no white
     * space, one property left out}
     *
     * @param json a JSON object in UTF-8
     * @param without the property of the outermost object that does not count: the one that holds the sum
     * @param source what is read, for the message: a file
     * @throws StoreException if the JSON is damaged
     */
    public static String fingerprint(byte[] json, String without, String source) {
        try {
            JsonNode node = CANONICAL.readTree(json);
            if (node instanceof ObjectNode object) {
                object.remove(without);
            }
            return HexFormat.of().formatHex(sha256().digest(CANONICAL.writeValueAsBytes(node)));
        } catch (IOException e) {
            throw damaged(source, e);
        }
    }

    /** {@return a fresh SHA-256} */
    public static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private static <T> T read(JsonMapper mapper, byte[] json, Class<T> type, String source) {
        try {
            T value = mapper.readValue(json, type);
            if (value == null) {
                throw new StoreException("reading " + source, "it holds null, expected a JSON object", RESTORE);
            }
            return value;
        } catch (IOException e) {
            throw damaged(source, e);
        }
    }

    private static final String RESTORE = "restore the file from a backup";

    private static StoreException damaged(String source, IOException e) {
        String reason =
                e instanceof JsonProcessingException j ? j.getOriginalMessage() : String.valueOf(e.getMessage());
        // what Jackson says of its own settings helps no reader
        reason = reason.replaceFirst("(?s); `\\w+Feature.*", "");
        return new StoreException("reading " + source, "it is not the JSON expected there: " + reason, RESTORE, e);
    }

    private static final class InstantWriter extends JsonSerializer<Instant> {
        @Override
        public void serialize(Instant value, JsonGenerator out, SerializerProvider unused) throws IOException {
            out.writeString(value.toString());
        }
    }

    private static final class InstantReader extends JsonDeserializer<Instant> {
        @Override
        public Instant deserialize(JsonParser in, DeserializationContext context) throws IOException {
            String text = in.getValueAsString("");
            try {
                return Instant.parse(text);
            } catch (DateTimeException e) {
                throw context.weirdStringException(
                        text, Instant.class, "expected ISO-8601 such as 2026-01-31T12:00:00Z");
            }
        }
    }

    private static final class DurationReader extends JsonDeserializer<Duration> {
        @Override
        public Duration deserialize(JsonParser in, DeserializationContext context) throws IOException {
            String text = in.getValueAsString("");
            try {
                return Duration.parse(text);
            } catch (DateTimeException e) {
                throw context.weirdStringException(text, Duration.class, "expected ISO-8601 such as PT1H30M");
            }
        }
    }

    private static final class OptionalIntWriter extends JsonSerializer<OptionalInt> {
        @Override
        public void serialize(OptionalInt value, JsonGenerator out, SerializerProvider unused) throws IOException {
            if (value.isPresent()) {
                out.writeNumber(value.getAsInt());
            } else {
                out.writeNull();
            }
        }
    }

    private static final class OptionalIntReader extends JsonDeserializer<OptionalInt> {
        @Override
        public OptionalInt deserialize(JsonParser in, DeserializationContext context) throws IOException {
            return OptionalInt.of(in.getIntValue());
        }

        @Override
        public OptionalInt getNullValue(DeserializationContext context) {
            return OptionalInt.empty();
        }
    }
}
