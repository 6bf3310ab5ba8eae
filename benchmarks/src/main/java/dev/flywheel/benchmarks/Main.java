package dev.flywheel.benchmarks;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs what measures Flywheel; {@code --help} says what there is. */
public final class Main {

    static final String HELP = """
            Measures Flywheel beside what else could do the same work.

              java -jar benchmarks/target/benchmarks.jar COMMAND [--option value ...]

            commands
              all       everything below, each in a process of its own, then page: about half an hour
              micro     every part of the path by JMH, with the bytes that each allocates
                          --filter REGEX --iterations 5 --forks 1
              load      callers that ask again at once, and callers that keep to a schedule
                          --workload mlp|minilm --callers 1,8,64,256 --in-flight 256,1024 --rates 20000,100000
                          --precision float32|int8 --texts food_reviews.csv.gz
                          --parts predict,all,async,schedule --only flywheel (then nothing is kept)
              score     whole datasets, and a graph with ten feature columns     --rows 1000000
              swap      a hot swap under full load     --callers 8,64 --every 75 (ms)
              shadow    a shadow ten times as slow: do callers feel it?     --callers 1,4
              log       predictions and feedback logged at a pace, and joined, in a heap of 256 MiB
                          --parts predict,feedback,join --rates 200000 --callers 1 --labellers 256
                          --predictions 10000000
              watch     a deployment that is watched beside one that is not: do callers feel it?
                          --callers 1,8 --rate 20000
              steady    millions of predictions and a thousand swaps: does memory grow?
                          --predictions 10000000 --swaps 1000 --callers 8
              peek      experiments looked at after each observation: how many stop wrongly, how soon rightly
                          --experiments 1000 --observations 100000 --effect 10 (hundredths of a deviation)
              detect    detectors of change on streams with one change or none: how soon, and how often wrongly
                          --streams 1000 --moa figures.json (of MOA on the same streams; kept if not said)
              search    settings found by a search, and by random search with as many epochs: whose model is better?
                          --data ../shared/data --trials 54 --seeds 5
              quality   what a run makes of real data with nothing chosen but the columns, and how long it takes
                          --data ../shared/data --only telco_churn,diamonds
              gates     challengers that are no better than the champion: how many do the gates promote?
                          --pairs 1000 --truth 2000000 (rows on which a model's true quality is found)
              train     steps a second of a training and its time to an accuracy, beside DJL's EasyTrain and PyTorch
                          --work small,mlp,cnn,spambase --batches 64,256,1024,4096 --epochs 3
                          on a GPU: java -Dflywheel.device=require-cuda, and --work large --batches 8192 --epochs 50
                          --parts speed,time (until so many of the test rows are right)
                          --data ../shared/data --fashion /usr/share/datasets/fashion-mnist
                          --python /usr/bin/python3
              model     what Flywheel gives on a model of yours
                          --model my.onnx --callers 64 --length 16
              gpu       what a GPU gives: answers, throughput, latency, energy, memory, sharing, training
                          --torch torch.json (what benchmarks/gpu/torch_baseline.py wrote)
                          --seconds 1 (0.1 only tries the checks) --only G4,G6
                          --natives DIRECTORY (what CudaNatives has put in place)
              page      draws serving.svg and renews README's table out of the results that are kept
                          --readme README.md

            every command
              --rounds 5 --seconds S   how often and how long each contender is measured
              --out DIRECTORY   where results go; benchmarks/results if it is not said
              --profile NAME    records where the time goes, and keeps a summary as profiles/NAME.txt there

            All contenders compute with one thread a run: ONNX Runtime is told so, and OMP_NUM_THREADS is 1. The
            outputs of all contenders are compared before anything is timed.
            """;

    /** A subcommand. */
    @FunctionalInterface
    interface Command {
        void run(Arguments arguments) throws Exception;
    }

    private static final Map<String, Command> COMMANDS = commands();

    private Main() {}

    static Map<String, Command> commands() {
        Map<String, Command> commands = new LinkedHashMap<>();
        commands.put("micro", Micro::run);
        commands.put("load", LoadCommand::run);
        commands.put("score", ScoreCommand::run);
        commands.put("swap", SwapCommand::run);
        commands.put("shadow", ShadowCommand::run);
        commands.put("log", LogCommand::run);
        commands.put("watch", WatchCommand::run);
        commands.put("steady", SteadyCommand::run);
        commands.put("peek", PeekCommand::run);
        commands.put("detect", DetectCommand::run);
        commands.put("search", SearchCommand::run);
        commands.put("quality", QualityCommand::run);
        commands.put("gates", GatesCommand::run);
        commands.put("train", TrainCommand::run);
        commands.put("model", ModelCommand::run);
        commands.put("gpu", GpuCommand::run);
        commands.put("page", Page::run);
        return commands;
    }

    /** Runs the command, in a process that has the settings which it needs. */
    public static void main(String[] arguments) throws Exception {
        List<String> given = new ArrayList<>(Arrays.asList(arguments));
        if (given.isEmpty() || given.contains("--help") || given.contains("-h") || given.contains("help")) {
            System.out.print(HELP);
            return;
        }
        if (given.get(0).equals("--model")) {
            given.add(0, "model");
        }
        System.exit(run(given));
    }

    private static int run(List<String> given) throws IOException, InterruptedException {
        String command = given.get(0);
        try {
            if (command.equals("all")) {
                return Child.all(given.subList(1, given.size()));
            }
            Command known = COMMANDS.get(command);
            if (known == null) {
                throw new IllegalArgumentException("there is no command \"" + command + "\", only all, "
                        + String.join(", ", COMMANDS.keySet()) + "; see --help");
            }
            // Those need no settings of their own; and a GPU's libraries come with the settings of this process.
            boolean here = command.equals("page") || command.equals("gpu");
            if (!here && !Child.isOne()) {
                return Child.run(given);
            }
            known.run(new Arguments(given.subList(1, given.size())));
            return 0;
        } catch (IllegalArgumentException e) {
            System.err.println(e.getMessage());
            return 2;
        } catch (IOException | InterruptedException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
