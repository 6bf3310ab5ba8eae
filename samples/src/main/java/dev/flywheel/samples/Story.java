package dev.flywheel.samples;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.flywheel.core.stat.Metric;
import dev.flywheel.core.stat.Metrics;
import dev.flywheel.pipeline.Factory;
import dev.flywheel.pipeline.evaluate.Page;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** What the replay came to, week by week: a table on the console, result.json and an HTML page. */
final class Story {

    static final String HEADER = " week flights   late |    AUC frozen  always factory   regret |"
            + " log loss frozen  always factory   regret | version";

    /** A candidate promoted or refused. */
    record Decision(String day, String title, String reason, boolean promoted) {

        Page.Event event() {
            return new Page.Event(day, title, reason, promoted ? Page.Tone.GOOD : Page.Tone.OPEN);
        }

        @Override
        public String toString() {
            return "       " + day + "  " + title + ": " + reason;
        }
    }

    /** How a model did in a week. */
    record Quality(double auc, double logLoss, double calibrationError) {}

    /** How much worse the factory did than the better of the two others; negative where it did better than both. */
    record Regret(double auc, double logLoss) {

        static Regret of(Quality factory, Quality frozen, Quality always) {
            return new Regret(
                    Math.max(frozen.auc, always.auc) - factory.auc,
                    factory.logLoss - Math.min(frozen.logLoss, always.logLoss));
        }
    }

    /** One line of the table. */
    record Week(
            int week,
            int flights,
            double lateShare,
            Quality frozen,
            Quality always,
            Quality factory,
            Regret regret,
            int version) {

        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT,
                    "%5d %7d %6.3f | %13.4f %7.4f %7.4f %+8.4f | %15.4f %7.4f %7.4f %+8.4f | %7d",
                    week,
                    flights,
                    lateShare,
                    frozen.auc,
                    always.auc,
                    factory.auc,
                    regret.auc,
                    frozen.logLoss,
                    always.logLoss,
                    factory.logLoss,
                    regret.logLoss,
                    version);
        }
    }

    /** A week's outcomes beside what the three models had said. */
    static final class Tally {

        private final double[] labels;
        private final double[] frozen;
        private final double[] always;
        private final double[] factory;
        private int count;

        Tally(int flights) {
            labels = new double[flights];
            frozen = new double[flights];
            always = new double[flights];
            factory = new double[flights];
        }

        void add(boolean late, double byFrozen, double byAlways, double byFactory) {
            labels[count] = late ? 1 : 0;
            frozen[count] = byFrozen;
            always[count] = byAlways;
            factory[count++] = byFactory;
        }

        Week week(int week, int version) {
            double late = java.util.Arrays.stream(labels).average().orElse(Double.NaN);
            Quality first = quality(frozen);
            Quality eager = quality(always);
            Quality living = quality(factory);
            return new Week(week, count, late, first, eager, living, Regret.of(living, first, eager), version);
        }

        private Quality quality(double[] scores) {
            return new Quality(
                    Metrics.estimate(Metric.ROC_AUC, labels, scores).value(),
                    Metrics.estimate(Metric.LOG_LOSS, labels, scores).value(),
                    Metrics.estimate(Metric.ECE, labels, scores).value());
        }
    }

    private final List<Week> weeks;
    private final List<Decision> decisions;
    private final Latencies latencies;

    Story(List<Week> weeks, List<Decision> decisions, Latencies latencies) {
        this.weeks = weeks;
        this.decisions = decisions;
        this.latencies = latencies;
    }

    /** Prints the summary, and writes result.json and the page beside it. */
    void tell(Factory factory, Factory others, Path directory) throws IOException {
        Path json = directory.resolve("result.json");
        Path html = directory.resolve("report.html");
        Map<String, Object> result = new LinkedHashMap<>(summary());
        result.put("weeks", weeks);
        result.put("decisions", decisions);
        new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValue(json.toFile(), result);
        Files.writeString(html, page());
        System.out.printf(
                Locale.ROOT,
                " mean %14s | %13.4f %7.4f %7.4f %+8.4f | %15.4f %7.4f %7.4f %+8.4f |%n",
                "",
                mean(w -> w.frozen.auc),
                mean(w -> w.always.auc),
                mean(w -> w.factory.auc),
                mean(w -> w.regret.auc),
                mean(w -> w.frozen.logLoss),
                mean(w -> w.always.logLoss),
                mean(w -> w.factory.logLoss),
                mean(w -> w.regret.logLoss));
        System.out.printf(
                Locale.ROOT,
                "%,d predictions one by one: %,.0f requests/s, p50 %.1f us, p99 %.1f us%n",
                latencies.count(),
                latencies.requestsPerSecond(),
                latencies.percentileMicros(0.50),
                latencies.percentileMicros(0.99));
        System.out.println("versions " + factory.versions("delays").size() + " of the factory, "
                + others.versions("delays-always").size() + " where every candidate serves");
        System.out.println("numbers  " + json.toAbsolutePath());
        System.out.println("report   " + html.toAbsolutePath());
        System.out.println("pipeline " + factory.report("delays").toAbsolutePath());
    }

    private double mean(ToDoubleFunction<Week> figure) {
        return weeks.stream().mapToDouble(figure).average().orElse(Double.NaN);
    }

    private Map<String, Object> summary() {
        Map<String, Object> summary = new LinkedHashMap<>();
        summary.put("meanAucFrozen", mean(w -> w.frozen.auc));
        summary.put("meanAucAlways", mean(w -> w.always.auc));
        summary.put("meanAucFactory", mean(w -> w.factory.auc));
        summary.put("meanAucRegret", mean(w -> w.regret.auc));
        summary.put("meanLogLossFrozen", mean(w -> w.frozen.logLoss));
        summary.put("meanLogLossAlways", mean(w -> w.always.logLoss));
        summary.put("meanLogLossFactory", mean(w -> w.factory.logLoss));
        summary.put("meanLogLossRegret", mean(w -> w.regret.logLoss));
        summary.put("predictions", latencies.count());
        summary.put("requestsPerSecond", latencies.requestsPerSecond());
        summary.put("p50Micros", latencies.percentileMicros(0.50));
        summary.put("p99Micros", latencies.percentileMicros(0.99));
        return summary;
    }

    private String page() {
        List<Page.Figure> figures = List.of(
                new Page.Figure(
                        "Mean weekly AUC",
                        number(mean(w -> w.factory.auc)),
                        beside(w -> w.frozen.auc, w -> w.always.auc)),
                new Page.Figure(
                        "Mean weekly log loss",
                        number(mean(w -> w.factory.logLoss)),
                        beside(w -> w.frozen.logLoss, w -> w.always.logLoss)),
                new Page.Figure(
                        "Predictions",
                        String.format(Locale.ROOT, "%,d", latencies.count()),
                        "each with its outcome fed back"),
                new Page.Figure(
                        "p99 of one prediction",
                        String.format(Locale.ROOT, "%.0f \u00b5s", latencies.percentileMicros(0.99)),
                        String.format(Locale.ROOT, "%,.0f requests/s, one caller", latencies.requestsPerSecond())));
        return Page.titled("Flights: a factory that keeps itself up to date")
                .intro(
                        "Every flight was predicted before it departed, by the factory's champion, by a frozen copy of its"
                                + " first model, and by a model that is replaced by every candidate. Its outcome was fed back"
                                + " after it had landed. Marks show when a new version of the factory began to serve. Regret is"
                                + " how much worse the factory did in a week than the better of the two others.")
                .figures(figures)
                .section("Week by week")
                .charts(
                        chart("ROC AUC", "Higher is better.", Quality::auc),
                        chart("Log loss", "Lower is better.", Quality::logLoss),
                        chart("Calibration error", "Lower is better.", Quality::calibrationError))
                .table(table("ROC AUC", Quality::auc, Regret::auc))
                .table(table("Log loss", Quality::logLoss, Regret::logLoss))
                .section("Decisions")
                .events(decisions.stream().map(Decision::event).toList())
                .html();
    }

    private String beside(ToDoubleFunction<Week> frozen, ToDoubleFunction<Week> always) {
        return "frozen " + number(mean(frozen)) + ", always retrained " + number(mean(always));
    }

    private Page.LineChart chart(String name, String description, ToDoubleFunction<Quality> figure) {
        List<String> axis =
                weeks.stream().map(week -> Integer.toString(week.week)).toList();
        List<Integer> marks = new ArrayList<>();
        for (int i = 1; i < weeks.size(); i++) {
            if (weeks.get(i).version != weeks.get(i - 1).version) {
                marks.add(i);
            }
        }
        List<Page.Series> series = List.of(
                new Page.Series("factory", values(w -> figure.applyAsDouble(w.factory))),
                new Page.Series("frozen", values(w -> figure.applyAsDouble(w.frozen))),
                new Page.Series("always retrained", values(w -> figure.applyAsDouble(w.always))));
        return new Page.LineChart(name, description, "Week", name, axis, series, marks, "new version");
    }

    private List<Double> values(ToDoubleFunction<Week> figure) {
        return weeks.stream().map(figure::applyAsDouble).toList();
    }

    private Page.Table table(String name, ToDoubleFunction<Quality> figure, ToDoubleFunction<Regret> regret) {
        List<List<String>> rows = new ArrayList<>();
        for (Week week : weeks) {
            rows.add(List.of(
                    Integer.toString(week.week),
                    String.format(Locale.ROOT, "%,d", week.flights),
                    number(week.lateShare),
                    number(figure.applyAsDouble(week.frozen)),
                    number(figure.applyAsDouble(week.always)),
                    number(figure.applyAsDouble(week.factory)),
                    signed(regret.applyAsDouble(week.regret)),
                    Integer.toString(week.version)));
        }
        rows.add(List.of(
                "mean",
                "",
                "",
                number(mean(w -> figure.applyAsDouble(w.frozen))),
                number(mean(w -> figure.applyAsDouble(w.always))),
                number(mean(w -> figure.applyAsDouble(w.factory))),
                signed(mean(w -> regret.applyAsDouble(w.regret))),
                ""));
        List<String> columns =
                List.of("Week", "Flights", "Late", "Frozen", "Always retrained", "Factory", "Regret", "Version");
        return new Page.Table(name, columns, rows);
    }

    private static String signed(double value) {
        return String.format(Locale.ROOT, "%+.4f", value);
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.4f", value);
    }
}
