package dev.flywheel.pipeline.train;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.SymbolBlock;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ModelNotFoundException;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.io.Json;
import dev.flywheel.core.model.ElementType;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a user's model consists of: the content of an ONNX or TorchScript file. Immutable.
 *
 * @param source where it comes from, for messages
 * @param onnx whether it is ONNX
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record OwnFile(String source, boolean onnx, byte[] content) {

    private static final int READ = 1 << 16;

    /**
     * {@return the model of a trainer, read}
     *
     * @param columns how many columns it takes
     * @throws ModelFormatException if it is not there, or of a kind that cannot be kept in a file
     */
    static OwnFile read(OwnModel model, int columns) {
        Path file = model.file();
        if (file != null) {
            return new OwnFile("the model " + file, model.isOnnx(), content(file));
        }
        Criteria<?, ?> criteria = model.criteria();
        try (Model loaded = criteria.loadModel()) {
            return loaded.getBlock() instanceof SymbolBlock ? found(loaded) : written(loaded, columns);
        } catch (IOException | ModelNotFoundException | MalformedModelException | EngineException e) {
            throw new ModelFormatException(
                    "cannot load a model by " + model.describe(),
                    "DJL says: " + e.getMessage(),
                    "check the path and the options of the criteria",
                    e);
        }
    }

    /** {@return the SHA-256 of a file, in hexadecimal; why there is none, if it cannot be read} */
    static String sum(Path file) {
        var sum = Json.sha256();
        try (var in = Files.newInputStream(file)) {
            byte[] part = new byte[READ];
            for (int read = in.read(part); read >= 0; read = in.read(part)) {
                sum.update(part, 0, read);
            }
            return HexFormat.of().formatHex(sum.digest());
        } catch (IOException e) {
            return Files.exists(file) ? "unreadable" : "no such file";
        }
    }

    /** {@return the SHA-256 of the content, in hexadecimal} */
    String sum() {
        return HexFormat.of().formatHex(Json.sha256().digest(content));
    }

    private static byte[] content(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException | OutOfMemoryError e) {
            String why = !Files.exists(file)
                    ? "there is no such file"
                    : e instanceof IOException ? "the file system says " + e : "it does not fit into the Java heap";
            throw new ModelFormatException(
                    "cannot read the model " + file,
                    why,
                    "bring the file, or take the candidate out of the pipeline; versions that were made of it have a copy",
                    e);
        }
    }

    /** What an engine has loaded as a whole lies in a file that ours can load, too. */
    private static OwnFile found(Model loaded) {
        Path place = loaded.getModelPath();
        String name = loaded.getName();
        for (String ending : List.of(".pt", OwnModel.ONNX)) {
            Optional<Path> file = Stream.of(name + ending, name, place.getFileName() + ending, "model" + ending, "")
                    .map(place::resolve)
                    .filter(path -> path.toString().endsWith(ending) && Files.isRegularFile(path))
                    .findFirst();
            if (file.isPresent()) {
                return new OwnFile("the model " + file.get(), ending.equals(OwnModel.ONNX), content(file.get()));
            }
        }
        throw new ModelFormatException(
                "cannot take the model " + name + " of " + loaded.getNDManager().getEngine(),
                "there is no TorchScript and no ONNX file of that name in " + place,
                "export it as ONNX");
    }

    /** A block that is Java code is written as ONNX, so that it needs no code to come back. */
    private static OwnFile written(Model loaded, int columns) {
        String source = "the block of the model " + loaded.getName();
        Block block = loaded.getBlock();
        OnnxGraph graph = new OnnxGraph(loaded.getName());
        Shape row = new Shape(2, columns);
        String input = graph.input("input", ElementType.FLOAT, columns);
        Map<Parameter, Layout.Part> parts = new HashMap<>();
        int size = 0;
        for (Parameter parameter : block.getParameters().values()) {
            Layout.Part part = part(parameter, size);
            parts.put(parameter, part);
            size = part.end();
        }
        float[] values = new float[size];
        parts.forEach((parameter, part) -> {
            NDArray array = parameter.getArray();
            System.arraycopy(array.toFloatArray(), 0, values, part.offset(), part.size());
        });
        try (NDManager manager = loaded.getNDManager().newSubManager()) {
            Shape given = block.getOutputShapes(new Shape[] {row})[0];
            String output = new BlockExport(graph, source, parts, values).emit(manager, block, input, row);
            graph.output("output", output, ElementType.FLOAT, given.size() / row.get(0));
            return new OwnFile(source, true, graph.bytes());
        } catch (IllegalArgumentException e) {
            throw new ModelFormatException(
                    "cannot take " + source,
                    "on rows of " + columns + " columns: " + e.getMessage(),
                    "bring it as an ONNX or TorchScript file, or name the columns that it takes",
                    e);
        }
    }

    private static Layout.Part part(Parameter parameter, int offset) {
        List<Integer> shape = Arrays.stream(parameter.getShape().getShape())
                .mapToObj(Math::toIntExact)
                .toList();
        return new Layout.Part(offset, shape, false);
    }
}
