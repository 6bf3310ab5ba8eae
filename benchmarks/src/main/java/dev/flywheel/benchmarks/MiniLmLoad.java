package dev.flywheel.benchmarks;

import dev.flywheel.benchmarks.Contender.Many;
import dev.flywheel.benchmarks.Contender.One;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/** Load on a transformer with texts of mixed lengths: here the runs are the work, and batching pays. */
final class MiniLmLoad {

    private static final int COMPARED = 32;
    private static final int CHUNK = 256;
    private static final int LIMIT_THREADS = 2;

    private final String precision;
    private final MiniLm model;
    private final List<String> texts;
    private final Results results;
    private final Path out;
    private final Rounds rounds;
    private final long nanos;
    private final List<String> only;
    private final int[] callers;

    MiniLmLoad(Arguments arguments) throws Exception {
        this.precision = arguments.text("precision", "float32");
        this.out = arguments.out();
        this.rounds = new Rounds(arguments.number("rounds", 5));
        this.nanos = arguments.nanos("seconds", 4);
        this.only = arguments.words("only", "");
        this.callers = arguments.numbers("callers", precision.equals("int8") ? "64" : "1,8,64");
        String file = arguments.text("texts", "");
        arguments.refuseOthers();
        this.model = new MiniLm(precision);
        Path reviews = file.isEmpty() ? Reviews.find() : Path.of(file);
        this.texts = Reviews.read(reviews, model.tokenizer());
        double mean = texts.stream()
                .mapToInt(text -> model.tokenizer().encode(text).getIds().length)
                .average()
                .orElse(0);
        Console.line(
                "%,d texts, %.1f tokens on average, %s",
                texts.size(), mean, reviews == null ? "made up" : "from " + reviews.getFileName());
        this.results = new Results(
                "load-minilm" + (precision.equals("int8") ? "-int8" : ""),
                "load --workload minilm" + (precision.equals("int8") ? " --precision int8" : ""));
    }

    void run() throws Exception {
        List<Contender<One<String>>> contenders = Contender.only(only, model.blocking());
        Contender<Many<String>> limit = model.sorted();
        check(contenders, limit);
        for (int count : callers) {
            measure(count, contenders, limit);
        }
        contenders.forEach(Contender::close);
        limit.close();
        if (only.isEmpty()) {
            results.write(out);
        }
    }

    private void check(List<Contender<One<String>>> contenders, Contender<Many<String>> limit) throws Exception {
        List<String> some = texts.subList(0, Math.min(COMPARED, texts.size()));
        boolean exact = precision.equals("float32");
        List<List<float[]>> answers = new ArrayList<>();
        for (Contender<One<String>> contender : contenders) {
            answers.add(Same.all(contender, One::answer, some));
        }
        try (Many<String> worker = limit.opening().open()) {
            answers.add(worker.answers(some));
        }
        // A quantised model answers differently in a batch, so there only the direction is compared.
        Same.embeddings(answers, exact ? 0.9999 : 0.9);
    }

    private void measure(int count, List<Contender<One<String>>> contenders, Contender<Many<String>> limit)
            throws Exception {
        Map<String, Callable<Measured>> work = new LinkedHashMap<>();
        for (Contender<One<String>> contender : contenders) {
            work.put(contender.name(), () -> Load.closed(contender, count, nanos, this::ask));
        }
        if (only.isEmpty()) {
            work.put(limit.name(), () -> Load.closed(limit, LIMIT_THREADS, nanos, this::askMany));
        }
        Map<String, List<Measured>> found = rounds.run(work);
        String name = "MiniLM " + precision + ", mixed lengths, " + MlpLoad.callers(count);
        Target[] none = {};
        boolean judged = count == 64;
        results.rate(
                name,
                MiniLm.SORTED,
                found,
                judged
                        ? new Target[] {
                            Target.ofLimit(0.90),
                            Target.timesPeer("djl-predictor", 1.3),
                            Target.timesPeer(MlpLoad.WLM, 1.3)
                        }
                        : none);
        Map<String, List<Measured>> online = new LinkedHashMap<>(found);
        online.remove(MiniLm.SORTED);
        results.figure(
                name + ", p99",
                "us",
                "none",
                online,
                m -> m.micros(0.99),
                judged ? new Target[] {Target.belowPeer("djl-predictor")} : none);
    }

    private int ask(One<String> worker, int turn) throws Exception {
        float[] unused = worker.answer(texts.get(Math.floorMod(turn * 31, texts.size())));
        return 1;
    }

    private int askMany(Many<String> worker, int turn) throws Exception {
        int from = Math.floorMod(turn * CHUNK, Math.max(1, texts.size() - CHUNK));
        return worker.answers(texts.subList(from, Math.min(texts.size(), from + CHUNK)))
                .size();
    }
}
