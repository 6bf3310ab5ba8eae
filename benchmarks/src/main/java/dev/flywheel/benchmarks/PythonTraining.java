package dev.flywheel.benchmarks;

import dev.flywheel.core.device.Device;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A process of Python that trains with PyTorch on demand. Not thread-safe. */
final class PythonTraining implements AutoCloseable {

    private final Process process;
    private final BufferedReader answers;
    private final Writer demands;

    private PythonTraining(Process process) {
        this.process = process;
        this.answers = process.inputReader(StandardCharsets.UTF_8);
        this.demands = process.outputWriter(StandardCharsets.UTF_8);
    }

    /**
     * Starts it.
     *
     * @return null if there is no Python with PyTorch
     */
    static @Nullable PythonTraining start(String python, TrainingWork work, Device device, Path folder)
            throws IOException {
        Path script = folder.resolve("train.py");
        try (InputStream in = Objects.requireNonNull(PythonTraining.class.getResourceAsStream("train.py"))) {
            Files.copy(in, script, StandardCopyOption.REPLACE_EXISTING);
        }
        Path train = folder.resolve("train.floats");
        Path test = folder.resolve("test.floats");
        TrainingWork.write(work.train(), train);
        TrainingWork.write(work.test(), test);
        int inputs = work.train().numberCount();
        ProcessBuilder builder = new ProcessBuilder(
                        python,
                        script.toString(),
                        work.kind(),
                        Integer.toString(inputs),
                        train.toString(),
                        test.toString(),
                        device.kind() == Device.Kind.CUDA ? "cuda:" + device.index() : "cpu")
                .redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().put("OMP_NUM_THREADS", "1");
        builder.environment().put("OPENBLAS_NUM_THREADS", "1");
        PythonTraining started;
        try {
            started = new PythonTraining(builder.start());
        } catch (IOException e) {
            Console.line("PyTorch from Python is not measured: %s", e);
            return null;
        }
        if (started.answers.readLine() == null) {
            Console.line("PyTorch from Python is not measured: it does not start");
            started.close();
            return null;
        }
        return started;
    }

    private double[] ask(String demand) throws IOException {
        demands.write(demand + "\n");
        demands.flush();
        String answer = answers.readLine();
        if (answer == null) {
            throw new IOException("PyTorch from Python ended at \"" + demand + "\"");
        }
        String[] words = answer.split(" ", -1);
        double[] numbers = new double[words.length];
        for (int i = 0; i < words.length; i++) {
            numbers[i] = Double.parseDouble(words[i]);
        }
        return numbers;
    }

    TrainCommand.Trained train(int batch, int epochs) throws IOException {
        double[] found = ask("train " + batch + " " + epochs);
        return new TrainCommand.Trained(found[0], (long) found[1], found[2]);
    }

    TrainCommand.Reached reach(TrainingWork work, int seed) throws IOException {
        double[] found = ask("reach " + work.goal() + " " + work.batch() + " " + seed);
        if (found[2] < work.goal()) {
            throw new IllegalStateException("PyTorch does not bring " + work.name() + " to " + work.goal());
        }
        return new TrainCommand.Reached(found[0], (int) found[1]);
    }

    @Override
    public void close() {
        process.destroy();
    }
}
