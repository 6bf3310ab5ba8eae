package dev.flywheel.serving.text;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.PredictionException;
import dev.flywheel.serving.engine.DjlDefaults;
import java.io.IOException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A HuggingFace tokenizer. Thread-safe: encoding only reads the native object. That is freed when this is garbage, so
 * whoever holds a codec never has to close it.
 *
 * <p>It calls the native library as DJL's own class does, but takes the ids alone: fetching tokens, offsets and word
 * ids too, as DJL does, made it 1.5 times slower (61 against 40 us for a text of 32 tokens).
 */
final class Tokenizer {

    private static final Logger log = LoggerFactory.getLogger(Tokenizer.class);

    /** The limit of BERT and its kin, for tokenizers that have none. */
    private static final int DEFAULT_MAX_TOKENS = 512;

    /** Text has 4 to 5 characters a token in European languages, and fewer in others. */
    private static final int CHARS_A_TOKEN = 16;

    private static final String PROBE = "text";
    private static final List<String> PADDING = List.of("[PAD]", "<pad>");

    private static final Cleaner CLEANER = Cleaner.create(task -> {
        Thread thread = new Thread(task, "flywheel-text-cleaner");
        thread.setDaemon(true);
        return thread;
    });

    private final long handle;
    private final int maxTokens;
    private final boolean typed;
    private final long pad;

    private Tokenizer(long handle, int maxTokens) {
        this.handle = handle;
        this.maxTokens = maxTokens;
        this.typed = typed(handle);
        this.pad = padding(handle);
    }

    /**
     * {@return the tokenizer of this file, which neither pads nor gives more than {@code maxTokens}; what a text has
     * beyond them is cut off at its end}
     *
     * @param maxTokens null for the limit that the file names, else 512
     * @throws ModelFormatException if the file is not there or not a tokenizer
     * @throws dev.flywheel.core.MissingEngineException if the native library does not load
     * @throws IllegalArgumentException if {@code maxTokens} leaves no room for a token of the text
     */
    static Tokenizer open(Path file, @Nullable Integer maxTokens) {
        String json = read(file);
        load();
        TokenizersLibrary library = TokenizersLibrary.LIB;
        long handle;
        try {
            handle = library.createTokenizerFromString(json);
        } catch (RuntimeException e) {
            throw unusable(file, String.valueOf(e.getMessage()), e);
        }
        try {
            Tokenizer made = new Tokenizer(handle, limit(file, handle, maxTokens));
            CLEANER.register(made, () -> library.deleteTokenizer(handle));
            return made;
        } catch (RuntimeException | Error e) {
            library.deleteTokenizer(handle);
            throw e;
        }
    }

    private static String read(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new ModelFormatException("cannot load tokenizer " + file, "there is no such file", "check the path");
        }
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw unusable(file, e.toString(), e);
        }
    }

    private static void load() {
        DjlDefaults.apply();
        try {
            LibUtils.checkStatus();
        } catch (RuntimeException | LinkageError e) {
            throw TokenizerChecks.noNative(e);
        }
    }

    private static ModelFormatException unusable(Path file, String why, Throwable cause) {
        return new ModelFormatException(
                "cannot load tokenizer " + file, why, "give the tokenizer.json that was made with the model", cause);
    }

    private static int limit(Path file, long handle, @Nullable Integer wanted) {
        TokenizersLibrary library = TokenizersLibrary.LIB;
        int own = library.getMaxLength(handle);
        int limit = wanted != null ? wanted : own > 0 ? own : DEFAULT_MAX_TOKENS;
        library.disablePadding(handle);
        library.disableTruncation(handle);
        int special;
        try {
            long encoding = library.encode(handle, "", true);
            special = library.getTokenIds(encoding).length;
            library.deleteEncoding(encoding);
        } catch (RuntimeException e) {
            throw unusable(file, String.valueOf(e.getMessage()), e);
        }
        if (limit <= special) {
            throw new IllegalArgumentException("maxTokens must be more than the " + special
                    + " tokens that every text gets from tokenizer " + file + ", found " + limit);
        }
        library.setTruncation(handle, limit, "LONGEST_FIRST", 0);
        return limit;
    }

    /** {@return the id that models of this tokenizer expect behind the end of a text} */
    long pad() {
        return pad;
    }

    /** {@return the most tokens of a text} */
    int maxTokens() {
        return maxTokens;
    }

    /**
     * {@return the tokens of a text} A surrogate without its partner counts as U+FFFD.
     *
     * @throws PredictionException if the text has no tokens, or some that the tokenizer has no id for
     */
    Tokens encode(String text) {
        TokenizersLibrary library = TokenizersLibrary.LIB;
        try {
            long encoding = encodeEnough(Surrogates.repaired(text));
            try {
                long[] ids = library.getTokenIds(encoding);
                if (ids.length == 0) {
                    throw refused("it has no tokens");
                }
                return new Tokens(ids, typed ? library.getTypeIds(encoding) : null);
            } finally {
                library.deleteEncoding(encoding);
            }
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    /**
     * {@return the native encoding of as much of the text as its first tokens take} Tokenizing costs time and memory
     * for every character, and a very long text has few that count.
     */
    private long encodeEnough(String text) {
        TokenizersLibrary library = TokenizersLibrary.LIB;
        for (long most = (long) maxTokens * CHARS_A_TOKEN; most < text.length(); most *= 4) {
            long encoding = encode(handle, text.substring(0, lastGap(text, (int) most)));
            if (library.getOverflowCount(encoding) > 0) {
                return encoding;
            }
            library.deleteEncoding(encoding);
        }
        return encode(handle, text);
    }

    /** {@return where a text may be cut without cutting a token: before the last space, if there is one} */
    private static int lastGap(String text, int end) {
        int gap = end;
        while (gap > 0 && !Character.isWhitespace(text.charAt(gap))) {
            gap--;
        }
        return gap > 0 ? gap : Character.isLowSurrogate(text.charAt(end)) ? end - 1 : end;
    }

    private static long encode(long handle, String text) {
        try {
            return TokenizersLibrary.LIB.encode(handle, text, true);
        } catch (RuntimeException e) {
            throw refused(String.valueOf(e.getMessage()));
        }
    }

    private static PredictionException refused(String why) {
        return new PredictionException(
                "cannot tokenize a text", why, "leave it out, or use the tokenizer.json that was made with the model");
    }

    /**
     * {@return whether tokens may have types other than 0} A template gives each place its type, whatever the text is.
     */
    private static boolean typed(long handle) {
        TokenizersLibrary library = TokenizersLibrary.LIB;
        try {
            long encoding = library.encode(handle, PROBE, true);
            long[] types = library.getTypeIds(encoding);
            library.deleteEncoding(encoding);
            return Arrays.stream(types).anyMatch(type -> type != 0);
        } catch (RuntimeException e) {
            log.debug("the tokenizer has no id for \"{}\"", PROBE, e);
            return true;
        }
    }

    /** Masked out anyway, but a quantized model looks at it for the range of its inputs. */
    private static long padding(long handle) {
        TokenizersLibrary library = TokenizersLibrary.LIB;
        for (String token : PADDING) {
            try {
                long encoding = library.encode(handle, token, false);
                long[] ids = library.getTokenIds(encoding);
                library.deleteEncoding(encoding);
                if (ids.length == 1) {
                    return ids[0];
                }
            } catch (RuntimeException e) {
                log.debug("the tokenizer has no id for \"{}\"", token, e);
            }
        }
        return 0;
    }
}
