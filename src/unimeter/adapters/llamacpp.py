"""llama.cpp's own server."""

from __future__ import annotations

from unimeter.adapter import Adapter
from unimeter.adapters.openai_chat import OpenAIChat
from unimeter.fields import beside, count, first, tree


class LlamaCpp(OpenAIChat):
    """llama.cpp in OpenAI's dialect: what it had in its cache it tells in `timings`, beside the usage, or in both.

    https://github.com/ggml-org/llama.cpp/tree/master/tools/server
    """

    provider = "llama.cpp"
    aliases = ("llamacpp", "llama-cpp")
    hosts = ()
    sdk_types = ()

    cache_read_tokens = first(count("prompt_tokens_details.cached_tokens"), beside(count("timings.cache_n")))
    provider_metrics = {"timings": beside(tree("timings"))}


class LlamaCppCompletion(Adapter):
    """llama.cpp's `/completion`. `tokens_evaluated` is the whole prompt; `tokens_cached` is what the cache holds afterwards.

    https://github.com/ggml-org/llama.cpp/tree/master/tools/server#post-completion
    """

    provider = "llama.cpp"
    url_paths = ("/completion", "/infill")
    shape = ("tokens_evaluated&tokens_predicted",)
    marks = ("timings",)  # in any dialect: this table is one of its own
    places = ("",)
    content = ("content",)
    final = ("stop=true",)
    stop = ("stop=true",)

    input_tokens = count("tokens_evaluated")
    output_tokens = count("tokens_predicted")
    cache_read_tokens = beside(count("timings.cache_n"))  # timings alone tell no usage
    provider_metrics = {"timings": beside(tree("timings"))}
    ignored = {
        "timings": "read as what stands beside the counts",
        "tokens_cached": "what the cache holds afterwards",
        "id_slot": "which of the server's slots answered",
        "index": "which of several prompts it answers",
    }
