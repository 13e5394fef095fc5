export default { fetch: () => new Response("next") }
