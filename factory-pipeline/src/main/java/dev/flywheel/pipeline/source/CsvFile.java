package dev.flywheel.pipeline.source;

import de.siegmar.fastcsv.reader.CloseableIterator;
import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.FieldMismatchStrategy;
import dev.flywheel.core.DataException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/** One CSV file being read, plain or gzip, from its header to its end. Not thread-safe. */
final class CsvFile implements AutoCloseable {

    private static final int BUFFER = 1 << 16;

    private final String name;
    private final CsvReader<CsvLine> reader;
    private final CloseableIterator<CsvLine> lines;
    private final List<String> header;

    /** @throws DataException if there is no such file, or no header in it */
    CsvFile(String name) {
        this.name = name;
        try {
            this.reader = CsvReader.builder()
                    .extraFieldStrategy(FieldMismatchStrategy.IGNORE)
                    .missingFieldStrategy(FieldMismatchStrategy.IGNORE)
                    .skipEmptyLines(true)
                    .allowUnclosedQuote(false)
                    .build(new CsvLine(), new InputStreamReader(open(Path.of(name)), StandardCharsets.UTF_8));
        } catch (NoSuchFileException e) {
            throw unreadable(
                    "there is no such file (looked for " + Path.of(name).toAbsolutePath() + ")", e);
        } catch (IOException e) {
            throw unreadable(String.valueOf(e), e);
        }
        this.lines = reader.iterator();
        try {
            this.header = first();
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private List<String> first() {
        CsvLine first = next();
        if (first == null) {
            throw new DataException(
                    name + " cannot be used", "it is empty", "give a CSV file whose first line names the columns");
        }
        return first.texts();
    }

    String name() {
        return name;
    }

    List<String> header() {
        return header;
    }

    /**
     * {@return the next record, or null after the last}
     *
     * @throws DataException if what follows cannot be told apart into records
     */
    @Nullable
    CsvLine next() {
        try {
            return lines.hasNext() ? lines.next() : null;
        } catch (UncheckedIOException e) {
            throw unreadable(String.valueOf(e.getCause()), e);
        } catch (CsvParseException e) {
            if (e.getCause() instanceof IOException cause) {
                throw unreadable(String.valueOf(cause), e);
            }
            throw new DataException(
                    name + " is not a CSV file (RFC 4180) throughout",
                    String.valueOf(e.getMessage()),
                    "look for a quotation mark that is not closed, or not doubled, in or before that line",
                    e);
        }
    }

    @Override
    public void close() {
        try {
            reader.close();
        } catch (IOException e) {
            throw unreadable(String.valueOf(e), e);
        }
    }

    private static InputStream open(Path path) throws IOException {
        InputStream file = new BufferedInputStream(Files.newInputStream(path), BUFFER);
        try {
            InputStream plain = startsWith(file, 0x1F, 0x8B)
                    ? new BufferedInputStream(new GZIPInputStream(file, BUFFER), BUFFER)
                    : file;
            if (startsWith(plain, 0xEF, 0xBB, 0xBF)) {
                // The byte order mark of UTF-8, which is not part of the first column's name.
                plain.skipNBytes(3);
            }
            return plain;
        } catch (IOException e) {
            file.close();
            throw e;
        }
    }

    private static boolean startsWith(InputStream in, int... bytes) throws IOException {
        in.mark(bytes.length);
        boolean all = true;
        for (int expected : bytes) {
            all = all && in.read() == expected;
        }
        in.reset();
        return all;
    }

    private DataException unreadable(String why, Exception cause) {
        return new DataException(name + " cannot be read", why, "give the path of a readable CSV file", cause);
    }
}
