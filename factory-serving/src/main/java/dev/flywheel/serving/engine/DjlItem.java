package dev.flywheel.serving.engine;

import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.metric.Metrics;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.Block;
import ai.djl.translate.TranslatorContext;
import ai.djl.util.passthrough.PassthroughNDManager;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a translator sees of the world while it works on one item: from its input to its output, and of no other item.
 * Not thread-safe.
 *
 * <p>Arrays are made on the Java heap, where they can hold data and nothing more, until {@link #computing}.
 */
final class DjlItem implements TranslatorContext {

    private final @Nullable DjlModel model;
    private final @Nullable NDManager lane;
    private final NDManager heap;
    private final Map<String, Object> attachments = new HashMap<>();
    private boolean computing;
    private @Nullable NDManager memory;

    /**
     * @param model the lane's, or null if it does not run one of DJL's
     * @param lane memory that lives as long as the lane, or null if it does not run a model of DJL
     */
    DjlItem(@Nullable DjlModel model, @Nullable NDManager lane) {
        this.model = model;
        this.lane = lane;
        this.heap = lane == null
                ? PassthroughNDManager.INSTANCE
                : new PassthroughNDManager(lane.getEngine(), lane.getDevice());
    }

    /** {@return this, of which arrays can compute from now on if {@code yes}} */
    DjlItem computing(boolean yes) {
        computing = yes;
        return this;
    }

    /** {@return whether arrays can compute} */
    boolean computing() {
        return computing;
    }

    /** Frees what the item's arrays took. */
    void release() {
        if (memory != null) {
            memory.close();
            memory = null;
        }
    }

    /** Frees the memory, unless something that the translator keeps for the output may be in it. */
    void releaseUnattached() {
        if (attachments.isEmpty()) {
            release();
        }
    }

    /** Forgets the item. */
    void clear() {
        release();
        if (!attachments.isEmpty()) {
            attachments.clear();
        }
    }

    @Override
    public Model getModel() {
        if (model == null) {
            throw new IllegalStateException("there is no model of DJL here: the lane runs another engine");
        }
        return model.model();
    }

    @Override
    public NDManager getNDManager() {
        if (!computing) {
            return heap;
        }
        if (memory == null) {
            memory = lane == null ? elsewhere() : lane.newSubManager();
        }
        return Objects.requireNonNull(memory);
    }

    /** Not every engine of DJL can compute with arrays. */
    private static NDManager elsewhere() {
        return Engine.hasEngine("PyTorch") ? NDManager.newBaseManager("PyTorch") : NDManager.newBaseManager();
    }

    @Override
    public NDManager getPredictorManager() {
        return lane == null ? heap : lane;
    }

    @Override
    public Block getBlock() {
        return getModel().getBlock();
    }

    @Override
    @SuppressWarnings("NullAway") // as in a Predictor to which nobody gave any
    public Metrics getMetrics() {
        return null;
    }

    @Override
    @SuppressWarnings("NullAway") // as DJL promises for a key that was never set
    public Object getAttachment(String key) {
        return attachments.get(key);
    }

    @Override
    public void setAttachment(String key, Object value) {
        attachments.put(key, value);
    }

    @Override
    public void close() {
        clear();
    }
}
