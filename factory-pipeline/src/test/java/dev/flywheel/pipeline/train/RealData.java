package dev.flywheel.pipeline.train;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.NamedCsvRecord;
import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Schema;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiPredicate;
import java.util.function.ToDoubleFunction;
import java.util.zip.GZIPInputStream;

/** The reference data sets, read from the folder {@code shared/data} beside the checkout. */
final class RealData {

    private final List<String> header;
    private final List<List<String>> rows;

    private RealData(List<String> header, List<List<String>> rows) {
        this.header = header;
        this.rows = rows;
    }

    /** Reads a data set; skips the test where the folder is absent. */
    static RealData read(String name) {
        Path file = find("data/" + name + ".csv.gz");
        List<List<String>> rows = new ArrayList<>();
        try (var in = new InputStreamReader(new GZIPInputStream(Files.newInputStream(file)), StandardCharsets.UTF_8);
                CsvReader<NamedCsvRecord> csv = CsvReader.builder().ofNamedCsvRecord(in)) {
            List<String> header = List.of();
            for (NamedCsvRecord line : csv) {
                header = line.getHeader();
                rows.add(line.getFields());
            }
            return new RealData(header, rows);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path find(String path) {
        for (Path folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
            Path file = folder.resolve("shared").resolve(path);
            if (Files.exists(file)) {
                return file;
            }
        }
        assumeTrue(false, "needs shared/" + path + " beside the checkout");
        throw new AssertionError();
    }

    /** The cell of a row by the column's name. */
    String cell(List<String> row, String column) {
        return row.get(header.indexOf(column));
    }

    /**
     * The rows that are kept as examples.
     *
     * @param keep takes the row's number from 0 and the row
     * @param label the label of a row
     * @param dropped columns that are no inputs
     */
    Dataset examples(
            Path folder,
            BiPredicate<Integer, List<String>> keep,
            ToDoubleFunction<List<String>> label,
            String... dropped) {
        Map<String, ColumnType> types = types(List.of(dropped));
        List<Column> columns = new ArrayList<>();
        types.forEach((name, type) -> columns.add(new Column(name, type, true)));
        columns.add(new Column("$label", ColumnType.NUMBER, false));
        try (Dataset.Writer writer = Dataset.writer(folder, Schema.of(columns))) {
            for (int i = 0; i < rows.size(); i++) {
                if (keep.test(i, rows.get(i))) {
                    for (int c = 0; c < columns.size() - 1; c++) {
                        write(
                                writer,
                                c,
                                columns.get(c),
                                cell(rows.get(i), columns.get(c).name()));
                    }
                    writer.number(columns.size() - 1, label.applyAsDouble(rows.get(i)));
                    writer.endRow();
                }
            }
            return writer.finish();
        }
    }

    private static void write(Dataset.Writer writer, int position, Column column, String cell) {
        if (cell.isEmpty()) {
            writer.missing(position);
            return;
        }
        switch (column.type()) {
            case NUMBER -> writer.number(position, Double.parseDouble(cell));
            case TIME -> writer.time(position, seconds(cell) * 1_000_000);
            default -> writer.text(position, cell);
        }
    }

    static long seconds(String time) {
        return (time.contains("T")
                        ? LocalDateTime.parse(time)
                        : LocalDate.parse(time).atStartOfDay())
                .toEpochSecond(ZoneOffset.UTC);
    }

    private Map<String, ColumnType> types(List<String> dropped) {
        Map<String, ColumnType> types = new java.util.LinkedHashMap<>();
        for (int c = 0; c < header.size(); c++) {
            if (!dropped.contains(header.get(c))) {
                types.put(header.get(c), type(c));
            }
        }
        return new java.util.LinkedHashMap<>(types);
    }

    private ColumnType type(int column) {
        Map<String, Integer> kinds = new HashMap<>();
        for (int i = 0; i < Math.min(rows.size(), 2000); i++) {
            String cell = rows.get(i).get(column);
            if (!cell.isEmpty()) {
                kinds.merge(
                        cell.matches("-?[0-9.]+([eE]-?[0-9]+)?")
                                ? "number"
                                : cell.matches("\\d{4}-\\d{2}-\\d{2}(T.*)?") ? "time" : "text",
                        1,
                        Integer::sum);
            }
        }
        return kinds.containsKey("text")
                ? ColumnType.TEXT
                : kinds.containsKey("time") ? ColumnType.TIME : ColumnType.NUMBER;
    }
}
