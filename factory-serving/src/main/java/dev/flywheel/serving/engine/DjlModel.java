package dev.flywheel.serving.engine;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import ai.djl.nn.SymbolBlock;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ModelNotFoundException;
import dev.flywheel.core.ModelFormatException;
import dev.flywheel.core.device.Accelerator;
import dev.flywheel.core.device.Device.Kind;
import dev.flywheel.core.device.DeviceRequest;
import dev.flywheel.core.device.Devices;
import dev.flywheel.core.device.Probe;
import dev.flywheel.core.model.Signature;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** A model of DJL, and how its block is run. Thread-safe. */
final class DjlModel {

    private static final String PYTORCH = "PyTorch";

    private final String name;
    private final Model model;
    private final Block block;
    private final boolean pyTorch;
    private final @Nullable OnGpu gpu;
    private final UnaryOperator<NDList> answer;

    private DjlModel(String name, Model model, @Nullable OnGpu gpu, UnaryOperator<NDList> answer) {
        this.name = name;
        this.answer = answer;
        this.model = model;
        this.gpu = gpu;
        this.block = model.getBlock();
        this.pyTorch = engine(model).equals(PYTORCH);
    }

    /**
     * @param owner who its memory and its time on a GPU are counted for
     * @throws ModelFormatException if PyTorch cannot load the file
     */
    static DjlModel torchScript(Path file, String owner) {
        Engine engine = pyTorch();
        long bytes = file.toFile().length();
        dev.flywheel.core.device.Device place = place(bytes);
        OnGpu gpu = Devices.accelerator(place)
                .map(shared -> OnGpu.of(shared, owner, CudaOptions.defaults().expectedBytes(bytes)))
                .orElse(null);
        Device device = place.kind() == Kind.CUDA ? Device.gpu(place.index()) : Device.cpu();
        return torchScript(engine, file, device, gpu);
    }

    /** @param gpu freed with the model, or if it cannot be loaded; null where the device is not shared */
    static DjlModel torchScript(Engine engine, Path file, Device device, @Nullable OnGpu gpu) {
        Model model = null;
        boolean loaded = false;
        try {
            model = engine.newModel(file.getFileName().toString(), device);
            model.load(file.toAbsolutePath());
            DjlModel made = new DjlModel(file.toString(), model, gpu, answer -> answer);
            loaded = true;
            return made;
        } catch (IOException | MalformedModelException | RuntimeException e) {
            throw new ModelFormatException(
                    "cannot load " + file,
                    "PyTorch says: " + text(e),
                    "save it again with torch.jit.save, as a script or a trace, by PyTorch 2.7 or earlier",
                    e);
        } finally {
            if (!loaded) {
                free(model, gpu);
            }
        }
    }

    /** @throws ModelFormatException if the model has no block, or one without parameters */
    static DjlModel of(Model model) {
        // A model that was never loaded has no block, whatever the annotations of DJL promise.
        if ((@Nullable Block) model.getBlock() == null) {
            throw new ModelFormatException(
                    "cannot serve model " + model.getName(),
                    "it has no block",
                    "load it, or set its block and initialize that, before it is served");
        }
        DjlModel opened = new DjlModel("model " + model.getName(), model, null, answer -> answer);
        // What an engine has loaded as a whole is ready, and does not know it.
        if (!(opened.block instanceof SymbolBlock) && !opened.block.isInitialized()) {
            throw new ModelFormatException(
                    "cannot serve " + opened,
                    "its block has parameters without values",
                    "load it, or set its block and initialize that, before it is served");
        }
        return opened;
    }

    /** @throws ModelFormatException if DJL finds no such model or cannot load it */
    static DjlModel load(Criteria<?, ?> criteria) {
        try {
            Model model = criteria.loadModel();
            try {
                return of(model);
            } catch (ModelFormatException e) {
                model.close();
                throw e;
            }
        } catch (IOException | ModelNotFoundException | MalformedModelException | EngineException e) {
            throw new ModelFormatException(
                    "cannot load a model by " + criteria,
                    "DJL says: " + text(e),
                    "check the path and the options of the criteria",
                    e);
        }
    }

    /**
     * {@return the same model, of whose outputs one is laid out as FLOAT of shape [rows, width], the others dropped}
     */
    DjlModel answering(String output, DjlEngine.Answer layout) {
        return new DjlModel(name, model, gpu, made -> {
            NDArray given = made.stream()
                    .filter(array -> output.equals(array.getName()))
                    .findFirst()
                    .orElseGet(() -> made.get(DjlSignature.number(output)));
            NDArray laid = switch (layout) {
                case WHOLE -> given;
                case FLAT -> given.reshape(-1, 1);
                case SECOND -> given.get(":, 1:2");
            };
            NDArray floats = laid.toType(DataType.FLOAT32, false);
            floats.setName(Signature.PREDICTION);
            return new NDList(floats);
        });
    }

    /** {@return the model as its owner knows it} */
    Model model() {
        return model;
    }

    Block block() {
        return block;
    }

    /** {@return whether only a run tells what goes in and comes out} */
    boolean mute() {
        return pyTorch && DjlPyTorch.isTorchScript(block);
    }

    /** {@return memory of the model's engine and device, to be closed by the caller} */
    NDManager newManager() {
        return model.getNDManager().newSubManager();
    }

    /** {@return a turn on its device for one run} */
    Accelerator.Hold turn(Accelerator.Tier tier) {
        return gpu == null ? () -> {} : gpu.turn(tier);
    }

    /** {@return what the block makes of the inputs; all that it needs on the way is in the manager of the inputs} */
    NDList forward(DjlParameters parameters, NDManager run, NDList inputs) {
        parameters.run(run);
        if (!pyTorch) {
            return answer.apply(block.forward(parameters, inputs, false));
        }
        boolean gradients = DjlPyTorch.enter();
        try {
            return answer.apply(block.forward(parameters, inputs, false));
        } finally {
            DjlPyTorch.exit(gradients);
        }
    }

    /** {@return whether an array made over memory of ours sees what is written there later} Other engines copy it. */
    boolean aliases() {
        return pyTorch && Device.cpu().equals(model.getNDManager().getDevice());
    }

    /** {@return where it runs} */
    dev.flywheel.core.device.Device device() {
        Device device = model.getNDManager().getDevice();
        return device.isGpu()
                ? new dev.flywheel.core.device.Device(
                        Kind.CUDA,
                        device.getDeviceId(),
                        "CUDA device " + device.getDeviceId(),
                        OptionalLong.empty(),
                        Optional.empty())
                : dev.flywheel.core.device.Device.cpu();
    }

    String engine() {
        return engine(model);
    }

    void close() {
        free(model, gpu);
    }

    private static void free(@Nullable Model model, @Nullable OnGpu gpu) {
        try {
            if (model != null) {
                boolean cached = model.getNDManager().getDevice().isGpu()
                        && engine(model).equals(PYTORCH);
                model.close();
                if (cached) {
                    DjlPyTorch.emptyCache();
                }
            }
        } finally {
            if (gpu != null) {
                gpu.free();
            }
        }
    }

    @Override
    public String toString() {
        return name;
    }

    /** {@return the line of a message of DJL's engines that says what is wrong, without the full stop} */
    static String text(Throwable cause) {
        List<String> lines = String.valueOf(cause.getMessage())
                .lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .toList();
        if (lines.isEmpty()) {
            return cause.toString();
        }
        int traceback = lines.indexOf("Traceback of TorchScript (most recent call last):");
        String line = lines.get(0);
        if (traceback >= 0) {
            // As in Python, what happened stands below where it happened.
            line = lines.subList(traceback, lines.size()).stream()
                    .filter(l -> l.matches("\\w*(Error|Exception): .*"))
                    .findFirst()
                    .orElse(lines.get(lines.size() - 1));
        }
        return line.endsWith(".") ? line.substring(0, line.length() - 1) : line;
    }

    private static String engine(Model model) {
        return model.getNDManager().getEngine().getEngineName();
    }

    /** {@return DJL's PyTorch} */
    static Engine pyTorch() {
        try {
            return DjlDefaults.offline(() -> Engine.getEngine(PYTORCH));
        } catch (EngineException | LinkageError e) {
            throw DjlChecks.noNative(e);
        }
    }

    /** As with ONNX Runtime, a small model stays on the CPU unless somebody wants it elsewhere. */
    private static dev.flywheel.core.device.Device place(long bytes) {
        DeviceRequest request = DeviceRequest.standard();
        boolean small = request == DeviceRequest.AUTO && bytes <= OnnxRecipe.SMALL_BYTES;
        return Devices.choose(small ? DeviceRequest.CPU : request, Probe.Engine.DJL)
                .device();
    }
}
