package dev.flywheel.pipeline.train;

import dev.flywheel.core.FactoryException;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.StoreException;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.core.model.Signature;
import dev.flywheel.core.model.Task;
import dev.flywheel.core.model.TensorSpec;
import dev.flywheel.pipeline.feature.FeatureMatrix;
import dev.flywheel.pipeline.feature.FittedFeatures;
import dev.flywheel.pipeline.feature.FittedFeatures.Emitted;
import dev.flywheel.pipeline.onnx.ForeignModel;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import dev.flywheel.pipeline.source.Target;
import dev.flywheel.serving.engine.DjlEngine;
import dev.flywheel.serving.engine.DjlEngine.Answer;
import dev.flywheel.serving.engine.OnnxEngine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** A user's finished model, brought to the form in which versions are served. Immutable. */
record OwnCandidate(OwnModel model, FittedFeatures features, Target<?> target) implements TrainedModel {

    private static final String TASK = "flywheel.task";
    private static final String NAME_COLUMNS =
            "name the columns that it takes, in its order: Trainers.model(file, \"a\", \"b\")";

    /** The one output that is the prediction, and how it is laid out. */
    private record Output(TensorSpec tensor, Answer answer) {}

    @Override
    public Task task() {
        return target.task();
    }

    @Override
    public int outputs() {
        return Objective.outputs(target);
    }

    @Override
    public boolean isWhole() {
        return true;
    }

    @Override
    public Optional<Whole> write(Path directory) {
        OwnFile file = OwnFile.read(
                model, columns().map(input -> input.shape().get(1).intValue()).orElse(0));
        return Optional.of(file.onnx() ? onnx(file, directory) : torchScript(file, directory));
    }

    private Whole onnx(OwnFile file, Path directory) {
        Path place = directory.resolve("model.onnx");
        ForeignModel foreign = ForeignModel.read(file.content(), file.source());
        foreign.metadata(TASK).filter(made -> !made.equals(task().name())).ifPresent(made -> {
            throw misfit(
                    file,
                    "it was made to predict " + made,
                    "a model that predicts " + task(),
                    "bring the model of this target");
        });
        store(place, file.content());
        Signature own;
        try (OnnxEngine engine = opened(file, () -> OnnxEngine.open(place))) {
            own = engine.signature();
        }
        boolean named = own.inputs().stream().noneMatch(input -> input.columns().isEmpty());
        if (named && !model.columns().isEmpty()) {
            throw misfit(
                    file,
                    "it names the columns that it takes, as " + own.inputs(),
                    "no columns named beside the file",
                    "leave the columns out of Trainers.model");
        }
        Output output = output(file, own.outputs());
        boolean alone =
                own.outputs().size() == 1 && output.answer == Answer.WHOLE && output.tensor.type() == ElementType.FLOAT;
        if (!named || !alone) {
            if (!named) {
                TensorSpec given = input(file, own.inputs());
                foreign.input(own.inputs().get(0).name(), given);
            }
            foreign.output(output.tensor, output.answer, outputs());
            store(place, foreign.bytes());
            try (OnnxEngine engine = opened(file, () -> OnnxEngine.open(place))) {
                own = engine.signature();
            }
        }
        return new Whole("model.onnx", own, facts(file, "ONNX Runtime"));
    }

    private Whole torchScript(OwnFile file, Path directory) {
        Path place = directory.resolve("model.pt");
        store(place, file.content());
        TensorSpec input = columns()
                .orElseThrow(() -> misfit(
                        file,
                        "a TorchScript file does not name the columns that it takes",
                        "columns that are named beside the file",
                        NAME_COLUMNS));
        Output output;
        try (DjlEngine engine = opened(file, () -> DjlEngine.torchScript(place, input))) {
            output = output(file, engine.signature().outputs());
        }
        Map<String, String> facts = facts(file, "DJL, by its PyTorch engine");
        facts.put(DjlEngine.OUTPUT, output.tensor.name());
        facts.put(DjlEngine.ANSWER, output.answer.name());
        TensorSpec prediction = TensorSpec.of(Signature.PREDICTION, ElementType.FLOAT, -1, outputs());
        return new Whole("model.pt", new Signature(List.of(input), List.of(prediction)), facts);
    }

    private static <T> T opened(OwnFile file, Supplier<T> opening) {
        try {
            return opening.get();
        } catch (ModelFormatException e) {
            throw new ModelFormatException(
                    "cannot take " + file.source(),
                    String.valueOf(e.getMessage()),
                    "bring a model that its engine can run on rows of such columns",
                    e);
        }
    }

    private Map<String, String> facts(OwnFile file, String engine) {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("brought as", file.source());
        facts.put("brought SHA-256", file.sum());
        facts.put("served by", engine);
        return facts;
    }

    /**
     * What a model takes that names no columns: those that were named beside it, or all numeric ones of the features,
     * in their order; empty if neither tells.
     */
    private Optional<TensorSpec> columns() {
        List<TensorSpec> floats = features.inputs().stream()
                .filter(input -> input.type() == ElementType.FLOAT)
                .toList();
        if (model.columns().isEmpty()) {
            return floats.size() == 1 ? Optional.of(floats.get(0)) : Optional.empty();
        }
        return Optional.of(floats.stream()
                .filter(input -> model.columns().equals(List.of(input.name())))
                .findFirst()
                .orElseGet(() -> new TensorSpec(
                        Signature.NUMBERS,
                        ElementType.FLOAT,
                        List.of(-1L, (long) model.columns().size()),
                        model.columns())));
    }

    private TensorSpec input(OwnFile file, List<TensorSpec> own) {
        TensorSpec wanted = columns()
                .orElseThrow(() -> misfit(
                        file,
                        "it does not name the columns that it takes, and the features take numbers as "
                                + features.inputs(),
                        "columns that are named beside the file",
                        NAME_COLUMNS));
        TensorSpec only = own.get(0);
        boolean fits = own.size() == 1
                && only.type() == ElementType.FLOAT
                && only.shape().size() == 2;
        if (!fits
                || (only.shape().get(1) >= 0
                        && !only.shape().get(1).equals(wanted.shape().get(1)))) {
            throw misfit(
                    file,
                    "its inputs are " + text(own),
                    "one input FLOAT [-1, " + wanted.shape().get(1) + "] for the columns " + wanted.columns()
                            + ", or inputs whose columns the file's metadata names",
                    "export it so, or " + NAME_COLUMNS);
        }
        return wanted;
    }

    private Output output(OwnFile file, List<TensorSpec> own) {
        List<Output> fitting = new ArrayList<>();
        own.forEach(tensor -> answer(tensor).ifPresent(answer -> fitting.add(new Output(tensor, answer))));
        if (fitting.size() != 1) {
            String expected = switch (task()) {
                case BINARY ->
                    "one output FLOAT [-1], [-1, 1] (the probability of true) or [-1, 2] (those of false and true)";
                case MULTICLASS ->
                    "one output FLOAT [-1, " + outputs() + "] (the probabilities of " + target.classes()
                            + ", in this order)";
                case REGRESSION -> "one output FLOAT [-1] or [-1, 1]";
            };
            throw misfit(file, "its outputs are " + text(own), expected, "export it with such an output");
        }
        return fitting.get(0);
    }

    private Optional<Answer> answer(TensorSpec output) {
        List<Long> shape = output.shape();
        boolean number = output.type() == ElementType.FLOAT || output.type() == ElementType.DOUBLE;
        if (!number || shape.isEmpty() || shape.size() > 2) {
            return Optional.empty();
        }
        if (shape.size() == 1) {
            return outputs() == 1 ? Optional.of(Answer.FLAT) : Optional.empty();
        }
        long width = shape.get(1);
        return width == outputs()
                ? Optional.of(Answer.WHOLE)
                : width == 2 && task() == Task.BINARY ? Optional.of(Answer.SECOND) : Optional.empty();
    }

    private static String text(List<TensorSpec> tensors) {
        return tensors.stream()
                .map(tensor -> "\"" + tensor.name() + "\" " + tensor.type() + " " + tensor.shape())
                .collect(Collectors.joining(", "));
    }

    private static FactoryException misfit(OwnFile file, String found, String expected, String fix) {
        return new ModelFormatException(
                file.source() + " does not fit the pipeline", found + ", expected " + expected, fix);
    }

    private static void store(Path file, byte[] content) {
        try {
            Files.write(file, content);
        } catch (IOException e) {
            throw new StoreException(
                    "the model file " + file + " was not written",
                    "the file system says " + e,
                    "check that its folder may be written and has room",
                    e);
        }
    }

    @Override
    public double[] predict(FeatureMatrix rows) {
        throw takesColumns();
    }

    @Override
    public String emit(OnnxGraph graph, Emitted front) {
        throw takesColumns();
    }

    private static IllegalStateException takesColumns() {
        return new IllegalStateException("a model that was brought takes raw columns, and no features");
    }

    @Override
    public String describe() {
        return "as it was brought";
    }
}
