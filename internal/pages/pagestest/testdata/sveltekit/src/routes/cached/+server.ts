// The adapter keeps this answer in caches.default.
export const GET = () => new Response("cached", { headers: { "Cache-Control": "public, s-maxage=60" } });
