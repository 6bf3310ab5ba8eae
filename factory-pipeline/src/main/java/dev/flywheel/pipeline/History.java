package dev.flywheel.pipeline;

import dev.flywheel.core.DataException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.data.Batch;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.RowType;
import dev.flywheel.core.data.Scan;
import dev.flywheel.core.data.Schema;
import dev.flywheel.core.io.Durable;
import dev.flywheel.core.io.Json;
import dev.flywheel.pipeline.check.BoundCheck;
import dev.flywheel.pipeline.flywheel.FeedbackJoin;
import dev.flywheel.pipeline.flywheel.FeedbackJoin.Joined;
import dev.flywheel.pipeline.flywheel.JoinReport;
import dev.flywheel.pipeline.source.IngestReport;
import dev.flywheel.pipeline.source.Ingested;
import dev.flywheel.pipeline.source.Ingestion;
import dev.flywheel.pipeline.source.Source;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * The examples that a run learns from.
 *
 * @param dataset the examples
 * @param type how inputs become columns
 * @param ingest what the source gave
 * @param selection which examples these are
 * @param credit how much of an example each is, from 0 to 1; null where all are whole
 * @param notes what a reader of the report should know of how the examples came together
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record History<I>(
        Dataset dataset,
        RowType<I> type,
        IngestReport ingest,
        Selection selection,
        double @Nullable [] credit,
        List<String> notes) {

    /** What the source gave last, as kept in history.json. */
    private record Kept(String dataset, String definition, IngestReport ingest) {}

    /** Reads the source. */
    static <I> History<I> fromSource(Pipeline<I, ?, ?> pipeline, Line line, Path run) {
        Ingested<I> ingested = pipeline.source()
                .ingest(Ingestion.into(line.datasets())
                        .checks(pipeline.checks())
                        .quarantine(run)
                        .onRowsRead(rows ->
                                line.report(String.format(Locale.ROOT, "reading examples, %,d so far", rows), 0.1)));
        return new History<>(
                ingested.dataset(),
                ingested.type(),
                ingested.report(),
                all(ingested.dataset(), line),
                null,
                ingested.report().notes());
    }

    /** Keeps what the source gave for the runs to come. */
    void keep(Pipeline<I, ?, ?> pipeline, Line line) {
        Durable.write(line.history(), Json.write(new Kept(dataset.hash(), pipeline.hash(), ingest)));
    }

    /** {@return whether nothing is kept that has other columns: a champion that was trained on those needs them} */
    boolean replacesKept(Line line) {
        return !Files.exists(line.history())
                || keptDataset(keptEntry(line), line).schema().equals(dataset.schema());
    }

    /**
     * {@return what the source gave last time}
     *
     * @throws StoreException if it is not there, or damaged
     * @throws DataException if the input has other columns by now
     */
    static <I> History<I> kept(Pipeline<I, ?, ?> pipeline, Line line) {
        Kept kept = keptEntry(line);
        Dataset dataset = keptDataset(kept, line);
        RowType<I> type = pipeline.source().type(Examples.inputs(dataset.schema()));
        List<String> notes = kept.definition.equals(pipeline.hash())
                ? List.of()
                : List.of("The definition has changed since the source was read.");
        return new History<>(dataset, type, kept.ingest, all(dataset, line), null, notes);
    }

    private static Selection all(Dataset dataset, Line line) {
        return new Selection("all that the source gives", null, line.clock().instant(), dataset.rows(), 0);
    }

    /** {@return the columns of the inputs that are logged with predictions} */
    static Schema inputs(Line line) {
        return Examples.inputs(keptDataset(keptEntry(line), line).schema());
    }

    private static Kept keptEntry(Line line) {
        try {
            return Json.read(
                    Files.readAllBytes(line.history()),
                    Kept.class,
                    line.history().toString());
        } catch (IOException e) {
            throw new StoreException(
                    "the examples of pipeline \"" + line.name() + "\" cannot be found",
                    line.history() + " cannot be read",
                    "restore the file from a backup, or run the pipeline once on its source",
                    e);
        }
    }

    private static Dataset keptDataset(Kept kept, Line line) {
        return Dataset.open(line.datasets().resolve(kept.dataset + ".arrow"));
    }

    /**
     * {@return these examples and the predictions whose outcome is known, within the window that the pipeline learns
     * from}
     *
     * @param lastDrift the first time of what was last seen drifted; null if nothing was
     * @throws DataException if the window is told by a drift, and the source tells no event time
     */
    History<I> withFeedback(Pipeline<I, ?, ?> pipeline, Line line, Path work, @Nullable Instant lastDrift) {
        dataset.verify();
        Instant now = line.clock().instant();
        Lessons lessons = pipeline.retrain().lessons;
        boolean timed = Examples.hasTimes(dataset);
        Schema schema = Examples.schema(pipeline.logging().logged(type.schema()), timed);
        List<BoundCheck> checks =
                pipeline.checks().stream().map(check -> check.bind(schema)).toList();
        FeedbackJoin join = new FeedbackJoin(
                        line.directory().predictions(),
                        line.directory().feedback(),
                        type.schema(),
                        ChronoUnit.FOREVER.getDuration())
                .spillingTo(work);
        Instant from = lessons.sinceDrift() > 0
                ? sinceDrift(pipeline, join, lessons.sinceDrift(), lastDrift)
                : lessons.window() == null ? Instant.MIN : now.minus(lessons.window());
        try (Dataset.Writer writer = Dataset.writer(work, schema)) {
            long kept = copySource(writer, schema, timed ? from : Instant.MIN);
            Appender appender = new Appender(writer, schema, checks);
            JoinReport joined = join.run(from, Instant.MAX, appender);
            List<String> news = new ArrayList<>(notes);
            news.add(String.format(
                    Locale.ROOT,
                    "%,d examples from the source and %,d of %,d predictions whose outcome is known.",
                    kept,
                    appender.taken,
                    joined.predictions()));
            if (appender.refused > 0) {
                news.add(String.format(
                        Locale.ROOT,
                        "%,d predictions with an outcome were left out: a check refuses them, or a value is missing or"
                                + " infinite.",
                        appender.refused));
            }
            if (appender.worthless > 0) {
                news.add(String.format(
                        Locale.ROOT,
                        "%,d predictions with an outcome were left out: it has weight 0.",
                        appender.worthless));
            }
            Instant first = from.equals(Instant.MIN) ? null : from;
            Selection chosen = new Selection(lessons.words(), first, now, kept, appender.taken);
            return new History<>(writer.finish(), type, ingest, chosen, appender.credit(kept), news);
        }
    }

    /** {@return the time of the last drift, or an earlier one with enough examples since} */
    private Instant sinceDrift(
            Pipeline<?, ?, ?> pipeline, FeedbackJoin join, int atLeast, @Nullable Instant lastDrift) {
        requireTimes(pipeline, dataset, "from the last drift on");
        if (lastDrift == null) {
            return Instant.MIN;
        }
        LongStream.Builder joined = LongStream.builder();
        join.run(
                Instant.MIN,
                Instant.MAX,
                example -> joined.add(ChronoUnit.MICROS.between(Instant.EPOCH, example.at())));
        long[] times = LongStream.concat(Arrays.stream(Examples.times(dataset)), joined.build())
                .sorted()
                .toArray();
        if (times.length <= atLeast) {
            return Instant.MIN;
        }
        Instant enough = Instant.EPOCH.plus(times[times.length - atLeast], ChronoUnit.MICROS);
        return enough.isBefore(lastDrift) ? enough : lastDrift;
    }

    /** @throws DataException if examples tell no event time, which is needed to learn in such a way */
    static void requireTimes(Pipeline<?, ?, ?> pipeline, Dataset examples, String way) {
        if (!Examples.hasTimes(examples)) {
            throw new DataException(
                    "pipeline \"" + pipeline.name() + "\" cannot learn " + way,
                    "the source tells no event time",
                    "name its column with eventTime(...), or let all examples count alike");
        }
    }

    private long copySource(Dataset.Writer writer, Schema schema, Instant from) {
        long oldest = from.equals(Instant.MIN) ? Long.MIN_VALUE : ChronoUnit.MICROS.between(Instant.EPOCH, from);
        int time = oldest == Long.MIN_VALUE ? -1 : dataset.schema().indexOf(Source.TIME);
        long kept = 0;
        try (Scan scan = dataset.scan()) {
            for (Batch batch = scan.next(); batch != null; batch = scan.next()) {
                for (int row = 0; row < batch.rows(); row++) {
                    if (time < 0 || batch.time(time, row) >= oldest) {
                        Examples.copy(batch.row(row), writer, schema.size());
                        writer.endRow();
                        kept++;
                    }
                }
            }
        }
        return kept;
    }

    private static final class Appender implements FeedbackJoin.Receiver {

        private final Dataset.Writer writer;
        private final Schema schema;
        private final List<BoundCheck> checks;
        private long taken;
        private long refused;
        private long worthless;
        private final DoubleStream.Builder weights = DoubleStream.builder();
        private boolean partial;

        Appender(Dataset.Writer writer, Schema schema, List<BoundCheck> checks) {
            this.writer = writer;
            this.schema = schema;
            this.checks = checks;
        }

        /** {@return the weights of so many whole examples and of those from feedback; null if these are whole, too} */
        double @Nullable [] credit(long whole) {
            return partial
                    ? DoubleStream.concat(DoubleStream.generate(() -> 1).limit(whole), weights.build())
                            .toArray()
                    : null;
        }

        @Override
        public void joined(Joined example) {
            if (example.weight() == 0) {
                worthless++;
                return;
            }
            JoinedRow row = new JoinedRow(example, schema);
            if (row.infinite()) {
                refused++;
                return;
            }
            for (BoundCheck check : checks) {
                if (check.violation(row) != null) {
                    refused++;
                    return;
                }
            }
            try {
                row.copyTo(writer);
                writer.endRow();
                weights.add(example.weight());
                partial |= example.weight() < 1;
                taken++;
            } catch (DataException e) {
                refused++;
            }
        }
    }
}
