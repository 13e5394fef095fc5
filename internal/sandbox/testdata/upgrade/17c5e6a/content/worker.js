export default { fetch: () => new Response("kept") };
